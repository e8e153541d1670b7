"""What agents remember of an episode.

One `EpisodeMemory` serves the seats an agent actor hosts (one, unless agents are packed). It keeps the last
`history_window` rounds in columns, those of each seat's own turns where a paradigm's agents remember nothing else;
`seat_view` is the only way in and shows one seat nothing but its own share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.paradigms import registry
from atp_ray.play.decisions import BoolArray, IntArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.problems import Solution
from atp_ray.play.turns import Observation, PublicRound, Talk


class SeatRound(NamedTuple):
    """One remembered round from one seat's point of view; `spec` is None where it was the view's."""

    public: PublicRound
    own_reply: str | None
    capital_before: float
    capital_after: float
    solutions: tuple[Solution, ...] = ()
    spec: EpisodeSpec | None = None
    notes: tuple[str, ...] = ()


class SeatView(NamedTuple):
    """Everything one seat may use to decide: the episode, its seat, its remembered rounds, the round to decide.

    `notes` are announcements made before that round, `talk` is what was said in it so far; `n_forgotten` rounds of the
    window were erased.
    """

    spec: EpisodeSpec
    seat: int
    rounds: tuple[SeatRound, ...]
    round: int = 1
    notes: tuple[str, ...] = ()
    n_forgotten: int = 0
    talk: Talk | None = None


class EpisodeMemory:
    """The memory of the seats one host plays in one episode.

    Args:
        spec: the episode.
        seats: seat numbers hosted, in the order of all columns.
        known_rounds: rounds that passed before this memory begins; more than 0 only when it is rebuilt from the log.
    """

    def __init__(self, spec: EpisodeSpec, seats: Sequence[int], known_rounds: int = 0) -> None:
        self.spec = spec
        self.seats = tuple(seats)
        self.known_rounds = known_rounds
        self._own_turns = registry.paradigm(spec.paradigm).environment.remembers_own_turns
        self._rounds: list[Observation] = []

    def observe(self, observations: Sequence[Observation], through: int | None = None) -> None:
        """Append the rounds that follow the last known one; rounds already known are ignored (a repeated request).

        Args:
            through: the last round of which nothing more is to be known; rounds that are left out before it do not
                matter to these seats. None takes them all to matter.

        Raises:
            ValueError: a round is skipped, or the columns do not match the hosted seats.
        """
        for observation in observations:
            if observation.public.round <= self.known_rounds:
                continue
            if through is None and observation.public.round != self.known_rounds + 1:
                raise ValueError(f"round {observation.public.round} observed after round {self.known_rounds}")
            if len(observation.own_reply_S) != len(self.seats):
                raise ValueError(f"{len(observation.own_reply_S)} replies observed for {len(self.seats)} seats")
            self._rounds.append(observation)
            self.known_rounds = observation.public.round
        self.known_rounds = max(self.known_rounds, through or 0)
        self._drop_old()

    @property
    def last_round(self) -> Observation | None:
        """The latest settled round, for players that decide for all hosted seats at once."""
        return self._rounds[-1] if self._rounds else None

    @property
    def rounds(self) -> Sequence[Observation]:
        """The rounds in any hosted seat's window, oldest first, for players that decide for all of them at once."""
        return self._rounds

    def seat_view(self, index: int, notes: tuple[str, ...] = (), talk: Talk | None = None) -> SeatView:
        """Return what the `index`-th hosted seat may use to decide.

        Args:
            notes: announcements for this round.
            talk: what was said in this round; None before it, or where nobody is asked to.
        """
        seen = self._seen(index)
        rounds = tuple(
            SeatRound(
                observation.public,
                observation.own_reply_S[index],
                float(observation.capital_before_S[index]),
                float(observation.capital_after_S[index]),
                observation.solutions_S[index] if observation.solutions_S else (),
                observation.spec,
                observation.notes,
            )
            for observation in seen
            if not (observation.forgotten_S and observation.forgotten_S[index])
        )
        n_forgotten = len(seen) - len(rounds)
        return SeatView(self.spec, self.seats[index], rounds, self.known_rounds + 1, notes, n_forgotten, talk)

    def _seen(self, index: int) -> Sequence[Observation]:
        """Return the rounds in one seat's window."""
        if not self._own_turns:
            return self._rounds
        own = [seen for seen in self._rounds if took_part(seen.public.asked_A, self.seats[index : index + 1]).all()]
        return own[-self.spec.history_window :]

    def _drop_old(self) -> None:
        """Forget what is in no seat's window any more."""
        window = self.spec.history_window
        if not self._own_turns:
            del self._rounds[:-window]
        elif len(self._rounds) > window:
            own_RS = np.array([took_part(seen.public.asked_A, self.seats) for seen in self._rounds])
            later_RS = own_RS[::-1].cumsum(axis=0)[::-1]  # own turns from that round on
            needed_R = np.any(own_RS & (later_RS <= window), axis=1).tolist()
            self._rounds = [seen for seen, needed in zip(self._rounds, needed_R, strict=True) if needed]


def took_part(asked_A: BoolArray | None, seats: Sequence[int] | IntArray) -> BoolArray:
    """Return which of `seats` [S] were asked in a round; `asked_A` is None where all were."""
    return np.ones(len(seats), dtype=bool) if asked_A is None else asked_A[np.asarray(seats, dtype=np.int64)]
