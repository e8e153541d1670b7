"""A settled round as plain data for JSON, and back: what all event logs hold."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from atp_ray.actions import decode_actions, encode_actions
from atp_ray.problems import Solution
from atp_ray.settlement import Capital
from atp_ray.storage.records import RoundRecord
from atp_ray.turns import TurnFailure


def record_to_json(record: RoundRecord) -> dict[str, Any]:
    """Return a settled round as plain data."""
    data = {
        "episode": record.episode_id,
        "round": record.round,
        "actions": encode_actions(record.action_A),
        "replies": record.reply_A,
        "attempts": record.attempts_A.tolist(),
        "prompt_tokens": record.prompt_tokens_A.tolist(),
        "completion_tokens": record.completion_tokens_A.tolist(),
        "latency_s": _finite(record.latency_A.tolist()),
        "rewards": record.reward_A.tolist(),
        "capital_before": record.capital_before_A.tolist(),
        "capital_after": record.capital_after.value_A.tolist(),
        "log_capital_after": record.capital_after.log_A.tolist(),
        "success": record.success,
        "failures": [list(failure) for failure in record.failures],
    }
    if record.solutions_A:
        data["solutions"] = [[asdict(solution) for solution in seat] for seat in record.solutions_A]
    return data


def record_from_json(data: dict[str, Any]) -> RoundRecord:
    """Return the settled round that `record_to_json` wrote."""
    return RoundRecord(
        episode_id=data["episode"],
        round=data["round"],
        action_A=decode_actions(data["actions"]),
        reply_A=tuple(data["replies"]),
        attempts_A=np.array(data["attempts"], dtype=np.int64),
        prompt_tokens_A=np.array(data["prompt_tokens"], dtype=np.int64),
        completion_tokens_A=np.array(data["completion_tokens"], dtype=np.int64),
        latency_A=np.array([math.nan if value is None else value for value in data["latency_s"]]),
        reward_A=np.array(data["rewards"]),
        capital_before_A=np.array(data["capital_before"]),
        capital_after=Capital(np.array(data["capital_after"]), np.array(data["log_capital_after"])),
        success=data["success"],
        failures=tuple(TurnFailure(*failure) for failure in data["failures"]),
        solutions_A=tuple(tuple(_solution(entry) for entry in seat) for seat in data.get("solutions", ())),
    )


def _solution(entry: dict[str, Any]) -> Solution:
    return Solution(**(entry | {"tool_statuses": tuple(entry["tool_statuses"])}))


def _finite(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]
