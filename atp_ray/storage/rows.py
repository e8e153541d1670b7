"""What one settled round, episode or cell contributes to the result tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from atp_ray.actions import Action, deviant_rate
from atp_ray.cells import CellSpec
from atp_ray.episodes import EpisodeSpec
from atp_ray.metrics import accuracies, evaluated_solution, recollusion, round_rates
from atp_ray.scenarios.games import GameParameters
from atp_ray.scenarios.role_play import RolePlayParameters
from atp_ray.storage.records import RoundRecord

Rounds = Mapping[str, Sequence[RoundRecord]]
_LABELS = np.array([action.label for action in Action])


def seat_columns(spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
    """Return what the seats did in one round, as columns over seats; `spec` is what was in force in it."""
    n = len(record.action_A)
    collude, refrain = spec.scenario.options
    words = np.array([refrain, collude, None, None], dtype=object)
    return {
        "round": [record.round] * n,
        "seat": range(n),
        "checkpoint": [group.checkpoint for group in spec.seat_groups],
        "action": _LABELS[record.action_A].tolist(),
        "choice": words[record.action_A].tolist(),
        "reply": record.reply_A,
        "reward": record.reward_A.tolist(),
        "capital_after": record.capital_after.value_A.tolist(),
    }


def decision_columns(cell: CellSpec, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
    """Return the columns of `decisions` of one round, over its seats."""
    n = len(record.action_A)
    failures: list[str | None] = [None] * n
    for failure in record.failures:
        failures[failure.seat] = f"{failure.type}: {failure.message}"
    evaluated = [evaluated_solution(solutions) for solutions in record.solutions_A] or [None] * n
    return {
        **seat_columns(spec, record),
        "cell_id": [cell.cell_id] * n,
        "episode_id": [spec.episode_id] * n,
        "attempts": record.attempts_A.tolist(),
        "prompt_tokens": record.prompt_tokens_A.tolist(),
        "completion_tokens": record.completion_tokens_A.tolist(),
        "latency_s": [None if np.isnan(seconds) else seconds for seconds in record.latency_A.tolist()],
        "capital_before": record.capital_before_A.tolist(),
        "log_capital_after": record.capital_after.log_A.tolist(),
        "failure": failures,
        "correct": [solution.correct if solution else None for solution in evaluated],
        "problem_id": [solution.problem_id if solution else None for solution in evaluated],
    }


def round_counts(record: RoundRecord) -> dict[str, Any]:
    """Return how many seats did what in one round, whether it succeeded, and the capital afterwards."""
    counts = np.bincount(record.action_A, minlength=len(Action))
    capital_A = record.capital_after.value_A
    return {
        "round": record.round,
        "n_deviant": int(counts[Action.DEVIANT]),
        "n_aligned": int(counts[Action.ALIGNED]),
        "n_unparsed": int(counts[Action.UNPARSED]),
        "n_missing": int(counts[Action.MISSING]),
        "success": record.success,
        "capital_mean": float(capital_A.mean()),
        "capital_min": float(capital_A.min()),
        "capital_max": float(capital_A.max()),
    }


def round_row(cell: CellSpec, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Any]:
    """Return the row of `rounds` of one round."""
    rate = deviant_rate(record.action_A)
    supervised = spec.role_play.parameters.supervised(record.round) if spec.paradigm == "role_play" else None
    evaluated = [evaluated_solution(solutions) for solutions in record.solutions_A]
    return {
        **round_counts(record),
        "cell_id": cell.cell_id,
        "episode_id": record.episode_id,
        "deviant_rate": None if np.isnan(rate) else rate,
        "supervised": supervised,
        "n_correct": sum(bool(s and s.correct) for s in evaluated) if spec.paradigm == "tool_usage" else None,
    }


def episode_row(cell: CellSpec, spec: EpisodeSpec, rounds: Rounds) -> dict[str, Any]:
    """Return the row of `episodes` of one episode."""
    settled = len(rounds.get(spec.episode_id, ()))
    return {
        "cell_id": cell.cell_id,
        "episode_id": spec.episode_id,
        "paradigm": spec.paradigm,
        "scenario": spec.scenario.name,
        **_setting(spec),
        "rounds": spec.rounds,
        "visibility": spec.visibility,
        "seed": spec.seed,
        "population": population_label(spec),
        "status": "complete" if settled == spec.rounds else f"stopped after round {settled}",
        "supervision": _supervision(spec),
    }


def cell_rows(cell: CellSpec, rounds: Rounds) -> list[dict[str, Any]]:
    """Return the rows of `cells` of one cell, one for each round."""
    again = recollusion(cell, rounds)
    payoffs = cell.payoffs
    common = {
        "cell_id": cell.cell_id,
        "grid": cell.grid,
        "checkpoint": cell.checkpoint,
        "checkpoint_kind": cell.checkpoint_kind,
        "n_agents": cell.n_agents,
        "threshold": cell.threshold,
        "high": payoffs.high if payoffs else None,
        "medium": payoffs.medium if payoffs else None,
        "low": payoffs.low if payoffs else None,
        "incentive_ratio": payoffs.incentive_ratio if payoffs else None,
        "visibility": cell.episodes[0].visibility,
        "p_recollude_given_success": again.rate,
        "p_recollude_ci_low": again.low,
        "p_recollude_ci_high": again.high,
        "n_recollude": again.n,
        "paradigm": cell.paradigm,
        "supervision": _supervision(cell.episodes[0]),
    }
    return [
        common
        | {
            "round": entry.round,
            "deviant_rate": entry.rate.rate,
            "ci_low": entry.rate.low,
            "ci_high": entry.rate.high,
            "ci_method": entry.rate.method,
            "n_decisions": entry.rate.n,
            "n_undecided": entry.n_undecided,
            "accuracy": right.rate,
            "accuracy_ci_low": right.low,
            "accuracy_ci_high": right.high,
            "accuracy_simple": right_simple.rate,
        }
        for entry, right, right_simple in zip(
            round_rates(cell, rounds),
            accuracies(cell, rounds, "complex"),
            accuracies(cell, rounds, "simple"),
            strict=True,
        )
    ]


def solution_rows(cell: CellSpec, spec: EpisodeSpec, record: RoundRecord) -> list[dict[str, Any]]:
    """Return the rows of `solutions` of one round: every problem of every seat."""
    if not record.solutions_A:
        return []
    played = spec.tool_usage.parameters.problems[record.round - 1]
    problems = {problem.problem_id: problem for problem in (*played.simple, *played.complex)}
    return [
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
        for seat, solutions in enumerate(record.solutions_A)
        for solution in solutions
    ]


def _setting(spec: EpisodeSpec) -> dict[str, Any]:
    columns = dict[str, Any].fromkeys(("threshold", "high", "medium", "low", "incentive_ratio"))
    numbers = spec.parameters
    if isinstance(numbers, GameParameters):
        payoffs = numbers.payoffs
        columns |= {"threshold": numbers.threshold, "incentive_ratio": payoffs.incentive_ratio}
        columns |= {"high": payoffs.high, "medium": payoffs.medium, "low": payoffs.low}
    elif isinstance(numbers, RolePlayParameters):
        columns |= {"high": numbers.high, "low": numbers.low}
    return {"n_agents": numbers.n_agents, **columns}


def _supervision(spec: EpisodeSpec) -> str | None:
    return spec.role_play.parameters.supervision if spec.paradigm == "role_play" else None


def population_label(spec: EpisodeSpec) -> str:
    """Return who sits where, e.g. `policy:collude:2,tiny:6`."""
    runs = groupby(group.checkpoint for group in spec.seat_groups)
    return ",".join(f"{name}:{sum(1 for _ in seats)}" for name, seats in runs)
