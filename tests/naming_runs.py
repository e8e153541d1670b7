"""Cells and runs of naming games, played in plain Python: three names, one pair asked in each round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from naming_play import naming_spec, play_policy, said
from support import make_cell
from written_runs import write_run

from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import Decisions, merge_decisions, with_standing
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.model_calls import decision_texts
from atp_ray.play.records import RoundRecord
from atp_ray.storage.tables import Rounds


def trees(n: int = 6, rounds: int = 40, seed: int = 0, committed: int = 0) -> EpisodeSpec:
    """Return an episode in which one pair at a time names a tree; the first seats are committed to ash."""
    asked = {"names": "ash,elm,oak", "pairing": "asynchronous", "n_agents": n, "committed": committed}
    return naming_spec(**asked, rounds=rounds, seed=seed)


def some(spec: EpisodeSpec, options: Mapping[int, int], before: Decisions | None = None) -> Decisions:
    """Return the decisions of a round in which only these seats were asked; -1 is a reply that could not be read."""
    n = spec.parameters.n_agents
    parts = [(list(options), said(list(options.values())))] if options else []
    return with_standing(merge_decisions(n, parts), np.isin(np.arange(n), list(options)), before)


def play_told(spec: EpisodeSpec) -> list[RoundRecord]:
    """Play an episode by the analytic policy, with the replies it would give."""
    texts = [*decision_texts(spec.scenario.options), None]
    return [
        replace(
            record, decisions=record.decisions._replace(reply_A=tuple(texts[o] for o in record.decisions.options_A))
        )
        for record in play_policy(spec)
    ]


def naming_cell(seeds: int = 3, committed: int = 0, rounds: int = 20) -> tuple[CellSpec, Rounds]:
    """Play a cell."""
    specs = [trees(seed=seed, committed=committed, rounds=rounds) for seed in range(seeds)]
    cell = make_cell(*specs, cell_id=f"naming{committed}")
    return cell, {spec.episode_id: play_told(spec) for spec in specs}


def naming_run(folder: Path) -> Path:
    """Play a cell with and one without a committed seat."""
    return write_run(folder, "conventions", [naming_cell(), naming_cell(committed=1)])
