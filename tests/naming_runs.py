"""Naming games of the toy: three options, one pair asked in each round; played in plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from support import TOY, make_cell
from toy_paradigm.design import NAMING
from toy_paradigm.environment import ToyNumbers
from written_runs import write_run

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.chances import options_drawn
from atp_ray.play.decisions import Decisions, actions_of, merge_decisions, plain_decisions, with_standing
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.storage.tables import Rounds


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process know the toy."""
    monkeypatch.setenv("ATP_RAY_PARADIGMS", TOY["ATP_RAY_PARADIGMS"])


def naming_spec(n: int = 6, rounds: int = 40, seed: int = 0, committed: int = 0) -> EpisodeSpec:
    """Build an episode; the first `committed` seats always take the first option."""
    group = SeatGroup(checkpoint="policy:quantal", count=n - committed)
    fixed = [SeatGroup(checkpoint="policy:collude", count=committed)] if committed else []
    numbers = ToyNumbers(n_agents=n, prize=5.0)
    return EpisodeSpec(scenario=NAMING, parameters=numbers, seats=(*fixed, group), rounds=rounds, seed=seed)


def took(spec: EpisodeSpec, options: Sequence[int]) -> Decisions:
    """Return the decisions of seats that took these options."""
    option_A = np.array(options, dtype=np.int8)
    replies = [f'{{"choice": "{spec.scenario.options[option]}"}}' for option in options]
    return plain_decisions(actions_of(option_A), replies, 1, option_A)


def some(spec: EpisodeSpec, options: Mapping[int, int], before: Decisions | None = None) -> Decisions:
    """Return the decisions of a round in which only these seats were asked."""
    n = spec.parameters.n_agents
    decided = merge_decisions(n, [(list(options), took(spec, list(options.values())))]) if options else nobody(n)
    return with_standing(decided, np.isin(np.arange(n), list(options)), before)


def nobody(n: int) -> Decisions:
    """Return the decisions of a round in which no seat decided."""
    return merge_decisions(n, [])


def play_naming(spec: EpisodeSpec) -> list[RoundRecord]:
    """Play an episode by the analytic policy."""
    environment, random = paradigm("toy").environment, np.random.default_rng(spec.seed)
    n, settled = spec.parameters.n_agents, list[RoundRecord]()
    memory = EpisodeMemory(spec, range(n))
    for number in range(1, spec.rounds + 1):
        asked = np.flatnonzero(environment.asked(spec, number)).tolist()
        drawn = options_drawn(environment.option_chances(memory, asked), random.random(len(asked))).tolist()
        fixed = [group.checkpoint == "policy:collude" for group in spec.seat_groups]
        options = [0 if fixed[seat] else option for seat, option in zip(asked, drawn, strict=True)]
        settled.append(settle_round(spec, settled, merge_decisions(n, [(asked, took(spec, options))])))
        memory.observe([observe_round(spec, settled[-1], range(n))])
    return settled


def naming_cell(seeds: int = 3, committed: int = 0, rounds: int = 40) -> tuple[CellSpec, Rounds]:
    """Play a cell."""
    specs = [naming_spec(seed=seed, committed=committed, rounds=rounds) for seed in range(seeds)]
    cell = make_cell(*specs, cell_id=f"naming{committed}")
    return cell, {spec.episode_id: play_naming(spec) for spec in specs}


def naming_run(folder: Path) -> Path:
    """Play a cell with and one without a committed seat."""
    return write_run(folder, "toy", [naming_cell(), naming_cell(committed=1)])
