"""What settlement is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from atp_ray.play.actions import ActionArray
from atp_ray.play.capital import Capital, FloatArray
from atp_ray.play.decisions import Decisions
from atp_ray.play.problems import Solution


class PlayedRound(NamedTuple):
    """What the seats did in a round, and the capital before (None in round 1)."""

    number: int
    decisions: Decisions
    before: Capital | None

    @property
    def actions_A(self) -> ActionArray:
        """What each seat did, or, where it was not asked, did last."""
        return self.decisions.action_A

    @property
    def solutions_A(self) -> Sequence[Sequence[Solution]]:
        """The problems each seat solved, where there are any."""
        return self.decisions.solutions_A


class Outcome(NamedTuple):
    """What a round led to: success (None where there is none), each seat's reward, capital before and after."""

    success: bool | None
    reward_A: FloatArray
    before: Capital
    after: Capital
