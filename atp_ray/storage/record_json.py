"""A settled round as plain data for JSON, and back: what all event logs hold."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from atp_ray.play.actions import decode_actions, encode_actions
from atp_ray.play.answers import Answers, Probed
from atp_ray.play.capital import Capital
from atp_ray.play.decisions import COUNTS, Decisions, TurnFailure
from atp_ray.play.problems import Solution
from atp_ray.play.records import RoundRecord


def record_to_json(record: RoundRecord) -> dict[str, Any]:
    """Return a settled round as plain data."""
    decisions = record.decisions
    data = {
        "episode": record.episode_id,
        "round": record.round,
        "actions": encode_actions(decisions.action_A),
        "replies": decisions.reply_A,
        **{name: getattr(decisions, f"{name}_A").tolist() for name in COUNTS},
        "latency_s": _finite(decisions.latency_A.tolist()),
        "rewards": record.reward_A.tolist(),
        "capital_before": record.capital_before_A.tolist(),
        "capital_after": record.capital_after.value_A.tolist(),
        "log_capital_after": record.capital_after.log_A.tolist(),
        "success": record.success,
        "failures": [list(failure) for failure in decisions.failures],
    }
    if decisions.solutions_A:
        data["solutions"] = [[asdict(solution) for solution in seat] for seat in decisions.solutions_A]
    if decisions.option_A is not None:
        data["options"] = decisions.option_A.tolist()
    if decisions.asked_A is not None:
        data["asked"] = np.flatnonzero(decisions.asked_A).tolist()
    if decisions.said_A is not None:
        data["said"] = decisions.said_A
    if record.probed:
        data["probes"] = [{"probe": entry.probe, **_answers_to_json(entry.answers)} for entry in record.probed]
    return data


def record_from_json(data: dict[str, Any]) -> RoundRecord:
    """Return the settled round that `record_to_json` wrote."""
    attempts_A, prompts_A, completions_A = (np.array(data[name], dtype=np.int64) for name in COUNTS)
    decisions = Decisions(
        decode_actions(data["actions"]),
        tuple(data["replies"]),
        attempts_A,
        prompts_A,
        completions_A,
        np.array([math.nan if value is None else value for value in data["latency_s"]]),
        tuple(TurnFailure(*failure) for failure in data["failures"]),
        tuple(tuple(_solution(entry) for entry in seat) for seat in data.get("solutions", ())),
        np.array(data["options"], dtype=np.int8) if "options" in data else None,
        np.isin(np.arange(len(data["replies"])), data["asked"]) if "asked" in data else None,
        tuple(data["said"]) if "said" in data else None,
    )
    return RoundRecord(
        episode_id=data["episode"],
        round=data["round"],
        decisions=decisions,
        reward_A=np.array(data["rewards"]),
        capital_before_A=np.array(data["capital_before"]),
        capital_after=Capital(np.array(data["capital_after"]), np.array(data["log_capital_after"])),
        success=data["success"],
        probed=tuple(Probed(entry["probe"], _answers_from_json(entry)) for entry in data.get("probes", ())),
    )


def _answers_to_json(answers: Answers) -> dict[str, Any]:
    return {
        "answers": answers.text_A,
        **{name: getattr(answers, f"{name}_A").tolist() for name in COUNTS},
        "latency_s": _finite(answers.latency_A.tolist()),
        "failures": [list(failure) for failure in answers.failures],
    }


def _answers_from_json(data: dict[str, Any]) -> Answers:
    attempts_A, prompts_A, completions_A = (np.array(data[name], dtype=np.int64) for name in COUNTS)
    return Answers(
        tuple(data["answers"]),
        attempts_A,
        prompts_A,
        completions_A,
        np.array([math.nan if value is None else value for value in data["latency_s"]]),
        tuple(TurnFailure(*failure) for failure in data["failures"]),
    )


def _solution(entry: dict[str, Any]) -> Solution:
    return Solution(**(entry | {"tool_statuses": tuple(entry["tool_statuses"])}))


def _finite(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]
