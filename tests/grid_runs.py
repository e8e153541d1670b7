"""Runs of shipped grids, played in plain Python and written by the real storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.checkpoint.profiles import Profile
from atp_ray.paradigms.grids import Grid, expand, load_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action
from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.storage.run_folder import create_run
from atp_ray.storage.tables import write_cell

Says = Callable[[str], str]  # a choice as a reply


def as_json(choice: str) -> str:
    """Return a choice as a model would state it."""
    return f'{{"choice": "{choice}"}}'


def write_grid_run(
    folder: Path,
    grid_name: str = "figure3",
    checkpoints: Sequence[str] = ("policy:quantal",),
    settings: Sequence[str] = (),
    says: Says = as_json,
    chance: float | None = None,
    **more: Any,
) -> Path:
    """Play a grid by the analytic policy, or with a fixed chance to deviate, whoever its checkpoints are.

    Args:
        says: what an agent replies to state a choice.
        more: further entries of `run.json`.
    """
    grid = load_grid(grid_name, settings, checkpoints=list(checkpoints))
    profiles = resolve_checkpoints(checkpoints, None)
    cells = expand(grid, profiles)
    for place, cell in enumerate(cells):
        rng = np.random.default_rng(place)
        write_cell(folder, cell, {spec.episode_id: _played(spec, rng, says, chance) for spec in cell.episodes})
    create_run(folder, manifest_of(grid, profiles, cells) | more)
    return folder


def manifest_of(grid: Grid, profiles: Mapping[str, Profile], cells: Sequence[CellSpec]) -> dict[str, Any]:
    """Return the `run.json` of a finished run."""
    return {
        "grid_as_given": grid.model_dump(mode="json", exclude_unset=True),
        "grid": grid.model_dump(mode="json"),
        "checkpoints": {name: profile.model_dump(mode="json") for name, profile in profiles.items()},
        "seeds": list(range(grid.seeds)),
        "n_cells": len(cells),
        "cell_ids": [cell.cell_id for cell in cells],
        "status": "complete",
        "seconds": {"total": 12.5},
    }


def _played(spec: EpisodeSpec, rng: np.random.Generator, says: Says, chance: float | None) -> list[RoundRecord]:
    seats = range(spec.parameters.n_agents)
    environment, memory = paradigm(spec.paradigm).environment, EpisodeMemory(spec, seats)
    settled: list[RoundRecord] = []
    for _ in range(spec.rounds):
        chance_A = environment.deviant_chances(memory, seats) if chance is None else np.full(len(seats), chance)
        action_A = (rng.random(len(seats)) < chance_A).astype(np.int8)
        deviant, aligned = spec.scenario.options
        replies = [says(deviant if action == Action.DEVIANT else aligned) for action in action_A]
        settled.append(settle_round(spec, settled, plain_decisions(action_A, replies)))
        memory.observe([observe_round(spec, settled[-1], seats)])
    return settled
