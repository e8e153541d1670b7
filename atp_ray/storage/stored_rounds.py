"""The settled rounds of a finished cell, read back from its tables: the inverse of `atp_ray.storage.tables`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.capital import Capital
from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import COUNTS, BoolArray, Decisions, TurnFailure
from atp_ray.play.problems import Solution
from atp_ray.play.records import RoundRecord
from atp_ray.storage.tables import read_cell

Row = Mapping[str, Any]
Place = tuple[str, int]  # an episode and its round
_ACTIONS = {action.label: action for action in Action}
_SOLUTION = ("problem_id", "difficulty", "used_tool", "answer", "correct", "cost", "reply")


def read_rounds(run_dir: Path, cell: CellSpec) -> dict[str, list[RoundRecord]]:
    """Return the settled rounds of each episode of a cell.

    Raises:
        UsageError: the run has no results.
        StorageError: a file is damaged.
    """
    success = {_place(row): row["success"] for row in read_cell(run_dir, "rounds", cell.cell_id).to_pylist()}
    solved: dict[Place, dict[int, list[Solution]]] = {}
    if "solutions" in paradigm(cell.paradigm).columns.tables:
        for row in read_cell(run_dir, "solutions", cell.cell_id).to_pylist():
            solved.setdefault(_place(row), {}).setdefault(row["seat"], []).append(_solution(row))
    options = {spec.episode_id: spec.scenario.options for spec in cell.episodes}
    rounds: dict[str, list[RoundRecord]] = {}
    for place, seats in _by_round(read_cell(run_dir, "decisions", cell.cell_id).to_pylist()):
        record = _record(place, list(seats), success[place], solved.get(place, {}), options[place[0]])
        rounds.setdefault(place[0], []).append(record)
    return rounds


def _by_round(rows: Sequence[Row]) -> Iterable[tuple[Place, Iterable[Row]]]:
    return groupby(sorted(rows, key=lambda row: (*_place(row), row["seat"])), key=_place)


def _place(row: Row) -> Place:
    return row["episode_id"], row["round"]


def _record(
    place: Place,
    rows: Sequence[Row],
    success: bool | None,
    solved: Mapping[int, Sequence[Solution]],
    options: Sequence[str],
) -> RoundRecord:
    def floats(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([math.nan if row[name] is None else row[name] for row in rows], dtype=float)

    attempts_A, prompts_A, completions_A = (np.array([row[name] for row in rows], np.int64) for name in COUNTS)
    decisions = Decisions(
        np.array([_ACTIONS[row["action"]] for row in rows], dtype=np.int8),
        tuple(row["reply"] for row in rows),
        attempts_A,
        prompts_A,
        completions_A,
        floats("latency_s"),
        tuple(_failure(row) for row in rows if row["failure"] is not None),
        tuple(tuple(solved.get(row["seat"], ())) for row in rows) if solved else (),
        options_taken([row["choice"] for row in rows], options),
        asked_seats([row.get("asked") for row in rows]),
    )
    capital = Capital(floats("capital_after"), floats("log_capital_after"))
    return RoundRecord(*place, decisions, floats("reward"), floats("capital_before"), capital, success)


def options_taken(choices: Sequence[str | None], options: Sequence[str]) -> ActionArray | None:
    """Return a round's column `choice` as `Decisions` has it: None where there are two options."""
    if len(options) == 2:
        return None
    return np.array([-1 if choice is None else options.index(choice) for choice in choices], dtype=np.int8)


def asked_seats(asked: Sequence[bool | None]) -> BoolArray | None:
    """Return a round's column `asked` as `Decisions` has it: None where all were; older tables do not say."""
    asked_A = np.array([value is not False for value in asked])
    return None if asked_A.all() else asked_A


def _failure(row: Row) -> TurnFailure:
    kind, _, message = row["failure"].partition(": ")
    return TurnFailure(row["seat"], row["round"], kind, message)


def _solution(row: Row) -> Solution:
    return Solution(**{name: row[name] for name in _SOLUTION}, tool_statuses=tuple(row["tool_statuses"]))
