"""Runs of every paradigm in a folder, played without Ray: for what reads runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from support import make_cell, make_spec, play, play_role_play, role_play_spec, tool_spec

from atp_ray.checkpoint.profiles import MODELLESS_KINDS
from atp_ray.measures.results import players_label
from atp_ray.paradigms.tool_usage.scenarios import tool_usage_of
from atp_ray.play.actions import Action
from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import Decisions
from atp_ray.play.problems import Solution
from atp_ray.play.rounds import settle_round
from atp_ray.storage.run_folder import create_run
from atp_ray.storage.tables import Rounds, write_cell

TOOL = Solution("p", "simple", True, "6", True, 3.0, "<tool>print(6)</tool>, \\boxed{6}", ("ok", "error"))
DIRECT = replace(TOOL, used_tool=False, cost=1.0, tool_statuses=(), reply='It "is" six,\n\\boxed{6}')


def games_run(folder: Path, thresholds: tuple[int, ...] = (2, 8), checkpoint: str = "policy:quantal") -> Path:
    """Play two games at each threshold by the analytic policy."""
    cells = []
    for threshold in thresholds:
        scenarios = ("info_sharing", "hunting_game")
        specs = [make_spec(threshold=threshold, scenario=name, checkpoint=checkpoint) for name in scenarios]
        cell = make_cell(*specs, cell_id=f"t{threshold}", checkpoint=checkpoint)
        cells.append((cell, {spec.episode_id: play(spec, seed=threshold) for spec in specs}))
    return write_run(folder, "games", cells)


def role_play_run(folder: Path) -> Path:
    """Play one prompt of role-play; the agent breaks the rule from round 3 on."""
    spec = role_play_spec()
    actions = [Action.ALIGNED] * 2 + [Action.DEVIANT] * 4
    return write_run(folder, "role_play", [(make_cell(spec), {spec.episode_id: play_role_play(spec, actions)})])


def tool_run(folder: Path, seeds: int = 2) -> Path:
    """Play problems with the tool in round 1 and without it in round 2."""
    cells = []
    for seed in range(seeds):
        spec, settled = tool_spec(checkpoint="tiny", seed=seed), []
        for number, hard in enumerate((TOOL, DIRECT), start=1):
            played = tool_usage_of(spec).numbers.problems[number - 1]
            simple = replace(DIRECT, problem_id=played.simple[0].problem_id)
            hard = replace(hard, difficulty="complex", problem_id=played.complex[0].problem_id)
            action = Action.ALIGNED if hard.used_tool else Action.DEVIANT
            one, seconds = np.ones(1, dtype=np.int64), np.ones(1)
            decisions = Decisions(
                np.array([action], dtype=np.int8), (hard.reply,), one, one, one, seconds, (), ((simple, hard),)
            )
            settled.append(settle_round(spec, settled, decisions))
        cell = make_cell(spec, cell_id=f"tools{seed}", checkpoint="tiny", kind="embedded")
        cells.append((cell, {spec.episode_id: settled}))
    return write_run(folder, "tool_usage", cells)


def write_run(folder: Path, paradigm: str, cells: list[tuple[CellSpec, Rounds]]) -> Path:
    """Write cells and what `run.json` says of them."""
    for cell, rounds in cells:
        write_cell(folder, cell, rounds)
    grid = {"name": "test", "description": "Played by a test", "paradigm": paradigm}
    kinds = {cell.checkpoint: cell.checkpoint_kind for cell, _ in cells}
    profiles = {
        name: {"name": name, "kind": kind if kind in MODELLESS_KINDS else "model", "embedded": kind == "embedded"}
        for name, kind in kinds.items()
    }
    create_run(
        folder,
        {
            "grid_as_given": grid,
            "grid": grid,
            "checkpoints": profiles,
            "seeds": [0],
            "n_cells": len(cells),
            "n_decisions": sum(cell.n_decisions for cell, _ in cells),
            "cell_ids": [cell.cell_id for cell, _ in cells],
            "label": players_label((cell.checkpoint, cell.checkpoint_kind) for cell, _ in cells),
            "status": "complete",
        },
    )
    return folder
