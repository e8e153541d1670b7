"""How many seats play at once: as many as the engines are kept busy by, whatever the number of cells, games and agents.

An episode's rounds are synchronous: its seats ask together, and then wait for the slowest. So what counts is not how
many episodes play but how many of their seats wait for an answer. The next episode begins while each engine it asks
has fewer than `AHEAD` times as many seats waiting as it decodes at once: enough to fill a place the moment it is free,
and to ask for many seats in one call. Cells begin in their order, the next one where the one before has no episode
left to begin; a cell whose engine is busy does not hold up one that asks another.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

AHEAD = 3.0
POLICIES = "policies"  # counted as an engine where nothing else plays: beside a model they answer in no time


class Capacity(NamedTuple):
    """What the engines decode at once: requests by engine, and the engine of each checkpoint (none for a policy)."""

    requests: Mapping[str, int]
    engines: Mapping[str, str]


class SeatsInPlay:
    """Counts the seats that wait for an answer, and says when the next episode may begin.

    Args:
        capacity: None lets every episode begin at once.
    """

    def __init__(self, capacity: Capacity | None) -> None:
        capacity = capacity or Capacity({}, {})
        self._engines = capacity.engines
        self._most = {engine: AHEAD * requests for engine, requests in capacity.requests.items()}
        self._asked: Counter[str] = Counter()
        self._line: list[_Waiting] = []
        self._letting = False

    async def begin(self, place: int, checkpoints: Sequence[str]) -> EpisodeSeats:
        """Wait until an episode may begin, and return its seats; they count as asked from then on.

        Args:
            place: where it stands in line; lower ones begin first.
            checkpoints: what plays each seat.
        """
        engines: list[str | None] = [self._engines.get(name, POLICIES) for name in checkpoints]
        if set(engines) != {POLICIES}:
            engines = [engine if engine != POLICIES else None for engine in engines]
        seats = EpisodeSeats(self, engines)
        waiting = _Waiting(place, seats, asyncio.get_running_loop().create_future())
        insort(self._line, waiting, key=lambda other: other.place)
        self._let_begin()
        try:
            await waiting.begins
        except asyncio.CancelledError:
            if waiting in self._line:
                self._line.remove(waiting)
            seats.leave()
            raise
        return seats

    def change(self, by: Counter[str]) -> None:
        """Count that many seats more (or fewer) as asked, by engine."""
        self._asked.update(by)
        self._let_begin()

    def _let_begin(self) -> None:
        if self._letting:
            return  # counting the seats of one that begins comes back here
        self._letting = True
        while (waiting := self._next()) is not None:
            self._line.remove(waiting)
            if not waiting.begins.cancelled():
                waiting.begins.set_result(None)
                waiting.seats.ask()
        self._letting = False

    def _next(self) -> _Waiting | None:
        held = {engine for engine, most in self._most.items() if self._asked[engine] >= most}
        for waiting in self._line:
            if held and len(held) == len(self._most):
                return None
            engines = set(filter(None, waiting.seats.engines))
            if not engines & held:
                return waiting
            held |= engines  # what the first in line waits for, those behind it leave alone
        return None


class EpisodeSeats:
    """The seats of one episode that has begun; `engines` are those that play them, None for a seat that counts not."""

    def __init__(self, line: SeatsInPlay, engines: Sequence[str | None]) -> None:
        self.engines = tuple(engines)
        self._line = line
        self._asked: Counter[str] = Counter()

    def ask(self, seats: Iterable[int] | None = None) -> None:
        """Count some seats as waiting for an answer, and no others; None for all."""
        self._set(self._count(range(len(self.engines)) if seats is None else seats))

    def answered(self, seats: Iterable[int]) -> None:
        """Count some seats as answered."""
        self._set(self._asked - self._count(seats))

    def leave(self) -> None:
        """Count none any more."""
        self._set(Counter())

    def _count(self, seats: Iterable[int]) -> Counter[str]:
        return Counter(engine for seat in seats if (engine := self.engines[seat]) is not None)

    def _set(self, asked: Counter[str]) -> None:
        change = Counter(asked)
        change.subtract(self._asked)
        self._asked = asked
        self._line.change(change)


@dataclass(eq=False)
class _Waiting:
    place: int
    seats: EpisodeSeats
    begins: asyncio.Future[None]
