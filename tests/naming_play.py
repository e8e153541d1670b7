"""Naming games for tests, played in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from grid_runs import manifest_of

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.config_files import parse_model
from atp_ray.paradigms.conventions.design import DESIGN
from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.paradigms.conventions.request import ConventionRequest
from atp_ray.paradigms.grids import expand, parse_grid
from atp_ray.play.actions import Action
from atp_ray.play.chances import options_drawn
from atp_ray.play.decisions import Decisions, actions_of, merge_decisions, plain_decisions
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.model_calls import decision_texts
from atp_ray.play.randomness import round_generator
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.storage.run_folder import create_run
from atp_ray.storage.tables import write_cell


def naming_spec(checkpoint: str = "policy:quantal", **asked: Any) -> EpisodeSpec:
    """Return the episode that a request leads to; `n_agents` 4 and the names M and Q unless it says otherwise."""
    names = {} if "n_names" in asked else {"names": "M,Q"}
    request = parse_model(ConventionRequest, {"n_agents": 4, **names, **asked}, "test")
    return DESIGN.episode(request, [SeatGroup(checkpoint=checkpoint, count=request.n_agents)])


def said(options: Sequence[int]) -> Decisions:
    """Return decisions for these options; -1 is a reply that could not be read."""
    option_A = np.array(options, dtype=np.int8)
    action_A = np.where(option_A < 0, Action.UNPARSED, actions_of(option_A)).astype(np.int8)
    return plain_decisions(action_A, [None] * len(options), 1, option_A)


def settle_all(spec: EpisodeSpec, options_RA: Sequence[Sequence[int]]) -> list[RoundRecord]:
    """Settle rounds in which the seats say these options where they are asked."""
    settled: list[RoundRecord] = []
    for options in options_RA:
        settled.append(settle_round(spec, settled, said(options)))
    return settled


def remembered(spec: EpisodeSpec, settled: Sequence[RoundRecord], seats: Sequence[int]) -> EpisodeMemory:
    """Return the memory of a host that saw every round."""
    memory = EpisodeMemory(spec, seats)
    for record in settled:
        memory.observe([observe_round(spec, record, seats)])
    return memory


def play_policy(spec: EpisodeSpec) -> list[RoundRecord]:
    """Play an episode by the analytic policy as `ChancePlayer` does; committed seats say the challenger."""
    n, settled = spec.parameters.n_agents, list[RoundRecord]()
    memory = EpisodeMemory(spec, range(n))
    fixed_A = np.array([group.checkpoint == "policy:collude" for group in spec.seat_groups])
    for number in range(1, spec.rounds + 1):
        asked_A = ENVIRONMENT.asked(spec, number)
        assert asked_A is not None
        asked = np.flatnonzero(asked_A)
        uniform_A = round_generator(spec.episode_id, spec.seed, number).random(n)
        option_S = options_drawn(ENVIRONMENT.option_chances(memory, asked.tolist()), uniform_A[asked])
        option_S[fixed_A[asked]] = 0
        texts = decision_texts(spec.scenario.options)
        told = option_S if len(texts) > 2 else None
        replies = [texts[option] for option in option_S.tolist()]
        decisions = plain_decisions(actions_of(option_S), replies, 1, told)
        settled.append(settle_round(spec, settled, merge_decisions(n, [(asked.tolist(), decisions)])))
        memory.observe([observe_round(spec, settled[-1], range(n))])
    return settled


def write_naming_run(folder: Path, **changed: Any) -> Path:
    """Play a grid of naming games by the analytic policy, and write it as a finished run."""
    data = {"name": "naming", "paradigm": "conventions", "checkpoints": ["policy:quantal"], "n_agents": [8]}
    names = {} if "n_names" in changed else {"names": "M,Q"}
    grid = parse_grid({**data, **names, **changed}, "test")
    profiles = resolve_checkpoints(grid.checkpoints, None)
    cells = expand(grid, profiles)
    for cell in cells:
        write_cell(folder, cell, {spec.episode_id: play_policy(spec) for spec in cell.episodes})
    create_run(folder, manifest_of(grid, profiles, cells))
    return folder
