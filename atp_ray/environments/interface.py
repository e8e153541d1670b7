"""The one interface of all paradigms: what is observed before a decision, and what a decision leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from atp_ray.actions import ActionArray
from atp_ray.episodes import EpisodeSpec
from atp_ray.memory import SeatRound
from atp_ray.problems import Solution
from atp_ray.settlement import Capital, FloatArray


class PlayedRound(NamedTuple):
    """What the seats did in a round: actions, in tool usage solutions, and the capital before (None in round 1)."""

    number: int
    actions_A: ActionArray
    solutions_A: Sequence[Sequence[Solution]]
    before: Capital | None


class Outcome(NamedTuple):
    """What a round led to: success (None outside the games), each seat's reward, capital before and after."""

    success: bool | None
    reward_A: FloatArray
    before: Capital
    after: Capital


class Environment(Protocol):
    """Observe (`system`, `question`, `feedback`) and settle; deciding in between is the players' part.

    All methods are pure.
    """

    def system(self, spec: EpisodeSpec) -> str:
        """Return the system message, the same in every round."""
        ...

    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return what is asked in a round."""
        ...

    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return what `seat` is told after its reply in a past round, one text per message."""
        ...

    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Return what a round led to."""
        ...
