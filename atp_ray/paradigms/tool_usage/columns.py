"""The columns and the table only tool usage has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from atp_ray.paradigms.columns import Columns, Rounds
from atp_ray.paradigms.tool_usage.accuracy import accuracies, evaluated_solution
from atp_ray.paradigms.tool_usage.scenarios import tool_usage_of
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord

# Every problem an agent worked on, the simple ones too.
SOLUTIONS = pa.schema(
    [
        pa.field("cell_id", pa.string(), nullable=False),
        pa.field("episode_id", pa.string(), nullable=False),
        pa.field("round", pa.int32(), nullable=False),
        pa.field("seat", pa.int32(), nullable=False),
        pa.field("checkpoint", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("difficulty", pa.string(), nullable=False),
        pa.field("problem", pa.string(), nullable=False),
        pa.field("expected", pa.string(), nullable=False),
        pa.field("used_tool", pa.bool_(), nullable=False),
        pa.field("answer", pa.string()),
        pa.field("correct", pa.bool_(), nullable=False),
        pa.field("cost", pa.float64(), nullable=False),
        pa.field("tool_statuses", pa.list_(pa.string()), nullable=False),
        pa.field("reply", pa.string(), nullable=False),
    ]
)


class ToolUsageColumns(Columns):
    """Which problem was evaluated and whether it was solved; accuracy; every solution."""

    fields: ClassVar[Mapping[str, tuple[pa.Field, ...]]] = {
        "decisions": (pa.field("correct", pa.bool_()), pa.field("problem_id", pa.string())),
        "rounds": (pa.field("n_correct", pa.int32()),),
        "cells": (
            pa.field("accuracy", pa.float64()),
            pa.field("accuracy_ci_low", pa.float64()),
            pa.field("accuracy_ci_high", pa.float64()),
            pa.field("accuracy_simple", pa.float64()),
        ),
    }
    tables: ClassVar[Mapping[str, pa.Schema]] = {"solutions": SOLUTIONS}

    def decisions(self, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
        """Return each seat's evaluated problem and whether the answer was right."""
        del spec
        decisions = record.decisions
        evaluated = [evaluated_solution(of) for of in decisions.solutions_A] or [None] * len(decisions.action_A)
        return {
            "correct": [solution.correct if solution else None for solution in evaluated],
            "problem_id": [solution.problem_id if solution else None for solution in evaluated],
        }

    def round(self, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Any]:
        """Return how many seats solved the evaluated problem."""
        del spec
        evaluated = [evaluated_solution(solutions) for solutions in record.decisions.solutions_A]
        return {"n_correct": sum(bool(solution and solution.correct) for solution in evaluated)}

    def cell(self, cell: CellSpec, rounds: Rounds) -> list[dict[str, Any]]:
        """Return the accuracy of each round."""
        pairs = zip(accuracies(cell, rounds, "complex"), accuracies(cell, rounds, "simple"), strict=True)
        return [
            {
                "accuracy": right.rate,
                "accuracy_ci_low": right.low,
                "accuracy_ci_high": right.high,
                "accuracy_simple": right_simple.rate,
            }
            for right, right_simple in pairs
        ]

    def rows(self, cell: CellSpec, spec: EpisodeSpec, record: RoundRecord) -> dict[str, list[dict[str, Any]]]:
        """Return a row for every problem of every seat."""
        played = tool_usage_of(spec).numbers.problems[record.round - 1]
        problems = {problem.problem_id: problem for problem in played.every}
        rows = [
            {
                "cell_id": cell.cell_id,
                "episode_id": spec.episode_id,
                "round": record.round,
                "seat": seat,
                "checkpoint": spec.seat_groups[seat].checkpoint,
                "problem_id": solution.problem_id,
                "difficulty": solution.difficulty,
                "problem": problems[solution.problem_id].text,
                "expected": problems[solution.problem_id].answer,
                "used_tool": solution.used_tool,
                "answer": solution.answer,
                "correct": solution.correct,
                "cost": solution.cost,
                "tool_statuses": list(solution.tool_statuses),
                "reply": solution.reply,
            }
            for seat, solutions in enumerate(record.decisions.solutions_A)
            for solution in solutions
        ]
        return {"solutions": rows}


COLUMNS = ToolUsageColumns()
