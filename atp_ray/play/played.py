"""What settlement is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from atp_ray.play.actions import ActionArray
from atp_ray.play.capital import Capital, FloatArray
from atp_ray.play.problems import Solution


class PlayedRound(NamedTuple):
    """What the seats did in a round: actions, in tool usage solutions, and the capital before (None in round 1)."""

    number: int
    actions_A: ActionArray
    solutions_A: Sequence[Sequence[Solution]]
    before: Capital | None


class Outcome(NamedTuple):
    """What a round led to: success (None where there is none), each seat's reward, capital before and after."""

    success: bool | None
    reward_A: FloatArray
    before: Capital
    after: Capital
