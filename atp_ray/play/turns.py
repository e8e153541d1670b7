"""What travels between coordinator and agents: turns out, replies or a memory gap back.

The observation of round r travels with the request for round r+1, so a round costs one call per agent host. An agent
that lacks earlier rounds (new, restarted, or resumed from a log) answers with a `MemoryGap` and is sent the history.
Per-seat columns are parallel to `seats` (suffix `_S`); decisions are columns over the seats that were asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from atp_ray.play.actions import ActionArray
from atp_ray.play.answers import Answers
from atp_ray.play.capital import FloatArray
from atp_ray.play.decisions import BoolArray, Decisions, options_of
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.problems import Solution

# What a turn asks for: a message before the decisions, answers to the round's probes, or the decision.
Phase = Literal["say", "probe", "decide"]


class Talk(NamedTuple):
    """What was said before the decisions of a round, over all seats; None for nothing. Nobody hears `hidden` seats."""

    said_A: tuple[str | None, ...]
    hidden: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class PublicRound:
    """What a settled round makes known; each agent sees of it what the episode's visibility allows.

    `success` is None outside the games.
    `replies_A` holds every seat's reply without its thinking, and is None unless the visibility is `replies`. What
    `hidden` seats did is shown to nobody but themselves (a quarantine). `options_A` is the index of the option each
    seat took, -1 for none, and None where the action says it; `asked_A` says who decided in this round, None for all.
    `said_A` is what each seat said before the decisions, and is None where nobody was asked to.
    """

    round: int
    actions_A: ActionArray
    success: bool | None
    replies_A: tuple[str | None, ...] | None = None
    hidden: frozenset[int] = frozenset()
    options_A: ActionArray | None = None
    asked_A: BoolArray | None = None
    said_A: tuple[str | None, ...] | None = None

    @property
    def talk(self) -> Talk | None:
        """What was said before the decisions; None where nobody was asked to."""
        return None if self.said_A is None else Talk(self.said_A, self.hidden)

    @property
    def chosen_A(self) -> ActionArray:
        """The index of the option each seat took, [A]; -1 for none."""
        return self.options_A if self.options_A is not None else options_of(self.actions_A)


@dataclass(frozen=True, slots=True)
class Observation:
    """A settled round as some seats experienced it: the public part, and each seat's own reply, capital and solutions.

    `solutions_S` is empty outside tool usage. The last three are left out unless somebody intervened: the episode's
    specification as it was then, announcements made before that round, and which seats have forgotten it.
    """

    public: PublicRound
    own_reply_S: tuple[str | None, ...]
    capital_before_S: FloatArray
    capital_after_S: FloatArray
    solutions_S: tuple[tuple[Solution, ...], ...] = ()
    spec: EpisodeSpec | None = None
    notes: tuple[str, ...] = ()
    forgotten_S: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that some seats of one episode decide round `round`, or answer what is asked before that.

    `observations` are the settled rounds the seats may not know yet, oldest first; `spec` comes with the first turn,
    after a gap and after an intervention; `notes` are announcements made before this round.
    `asked` are those of the seats that decide, None for all. `since` is the last round the seats must know already,
    where some of those that follow it are left out as they do not matter to them.
    `phase` is what they are asked for; `talk` what was said in this round, once that phase is over.
    """

    episode_id: str
    round: int
    seats: tuple[int, ...]
    observations: tuple[Observation, ...] = ()
    spec: EpisodeSpec | None = None
    notes: tuple[str, ...] = ()
    asked: tuple[int, ...] | None = None
    since: int | None = None
    phase: Phase = "decide"
    talk: Talk | None = None

    @property
    def known_before(self) -> int:
        """The last round the seats must know already."""
        if self.since is not None:
            return self.since
        return (self.observations[0].public.round if self.observations else self.round) - 1


@dataclass(frozen=True, slots=True)
class MemoryGap:
    """The host remembers only `known_rounds` rounds of the episode (-1: not even its specification)."""

    episode_id: str
    known_rounds: int


class TurnReply(NamedTuple):
    """What the seats asked decided, in their order, or answered to each question of another phase."""

    episode_id: str
    round: int
    seats: tuple[int, ...]
    decisions: Decisions | None
    answers: tuple[Answers, ...] = ()
