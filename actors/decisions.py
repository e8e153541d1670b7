"""One seat's decision, as every player returns it."""

from __future__ import annotations

from typing import NamedTuple

from atp_ray.actions import Action
from atp_ray.problems import Solution
from atp_ray.turns import TurnFailure


class SeatDecision(NamedTuple):
    """One seat's decision and what it took; tokens and seconds are summed over all attempts.

    `solutions` holds the round's problems in the tool-usage paradigm, the evaluated one last.
    """

    action: Action
    reply: str | None
    attempts: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_s: float = float("nan")
    failure: TurnFailure | None = None
    solutions: tuple[Solution, ...] = ()
