"""The settled rounds of a finished cell, read back from its tables: the inverse of `atp_ray.storage.tables`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.answers import Probed, SeatAnswer, answer_columns
from atp_ray.play.capital import Capital
from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import COUNTS, BoolArray, Decisions, TurnFailure
from atp_ray.play.episodes import EpisodeSpec
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
    specs = {spec.episode_id: spec for spec in cell.episodes}
    probed = _probed(run_dir, cell)
    rounds: dict[str, list[RoundRecord]] = {}
    for place, seats in _by_round(read_cell(run_dir, "decisions", cell.cell_id).to_pylist()):
        record = _record(place, list(seats), success[place], solved.get(place, {}), specs[place[0]])
        record = replace(record, probed=tuple(probed.get(place, ())))
        rounds.setdefault(place[0], []).append(record)
    return rounds


def _probed(run_dir: Path, cell: CellSpec) -> dict[Place, list[Probed]]:
    """Return the probes of each round in which any was asked."""
    if not any(spec.probes for spec in cell.episodes):
        return {}
    answered = {(*_place(row), row["probe"], row["seat"]): row for row in _probe_rows(run_dir, cell)}
    probed: dict[Place, list[Probed]] = {}
    for place in sorted({key[:2] for key in answered}):
        spec = next(spec for spec in cell.episodes if spec.episode_id == place[0])
        for probe in spec.probes_at(place[1]):
            rows = [answered.get((*place, probe.name, seat)) for seat in range(spec.parameters.n_agents)]
            answers = answer_columns([SeatAnswer(None) if row is None else _answer(row) for row in rows])
            probed.setdefault(place, []).append(Probed(probe.name, answers))
    return probed


def _probe_rows(run_dir: Path, cell: CellSpec) -> Sequence[Row]:
    rows: Sequence[Row] = read_cell(run_dir, "probes", cell.cell_id).to_pylist()
    return rows


def _answer(row: Row) -> SeatAnswer:
    seconds = math.nan if row["latency_s"] is None else row["latency_s"]
    failure = _failure(row) if row["failure"] is not None else None
    attempts, prompts, completions = (row[name] for name in COUNTS)
    return SeatAnswer(row["reply"], attempts, prompts, completions, seconds, failure)


def _by_round(rows: Sequence[Row]) -> Iterable[tuple[Place, Iterable[Row]]]:
    return groupby(sorted(rows, key=lambda row: (*_place(row), row["seat"])), key=_place)


def _place(row: Row) -> Place:
    return row["episode_id"], row["round"]


def _record(
    place: Place,
    rows: Sequence[Row],
    success: bool | None,
    solved: Mapping[int, Sequence[Solution]],
    spec: EpisodeSpec,
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
        options_taken([row["choice"] for row in rows], spec.scenario.options),
        asked_seats([row.get("asked") for row in rows]),
        tuple(row["said"] for row in rows) if spec.talk else None,
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
