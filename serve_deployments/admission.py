"""The line in front of an engine: first come, first served, and no more inside than it decodes.

An engine takes any number of requests and lets them wait inside, unseen: a time-out would count the wait, and what is
given up would still be decoded one day. So requests wait here, in the replica, where the bound is exact however many
gateways and services ask; a request's clock starts when it is let in, and one that is given up before never was inside.

`max_num_seqs` bounds how many an engine decodes, but its KV cache may hold fewer. The engine itself says after every
step how many it decodes, and at most `ahead` more than that are inside.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

LEAST_AHEAD, AHEAD_SHARE = 8, 8


class Load(NamedTuple):
    """What an engine has to do, in requests: now in line, inside and being decoded; ever decoded at once and finished.

    `finished` leaves out what was cancelled inside.
    """

    in_line: int
    inside: int
    decoding: int
    most_decoding: int
    finished: int


class Admission:
    """Lets requests into an engine.

    Args:
        most: how many requests the engine decodes at once where its KV cache holds them.
        reported: whether the engine says how many it decodes (`report`); if not, only `most` is a bound.
    """

    def __init__(self, most: int, reported: bool = True) -> None:
        self._most = most
        self._reported = reported
        self._ahead = max(LEAST_AHEAD, most // AHEAD_SHARE)
        self._line: deque[asyncio.Future[None]] = deque()
        self._inside = self._decoding = self._most_decoding = self._finished = 0

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Be inside while the block runs; waits for its turn first."""
        await self._enter()
        try:
            yield
        finally:
            self._leave()

    def report(self, decoding: int, finished: int) -> None:
        """Tell how many requests the engine decodes now, and how many have been finished since the last report."""
        self._decoding = decoding
        self._most_decoding = max(self._most_decoding, decoding)
        self._finished += finished
        self._let_in()

    def load(self) -> Load:
        """Return what there is to do."""
        in_line = sum(not waiting.done() for waiting in self._line)
        return Load(in_line, self._inside, self._decoding, self._most_decoding, self._finished)

    async def _enter(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(waiting)
        self._let_in()
        try:
            await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled():  # it was let in at the same moment
                self._leave()
            raise

    def _leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._line and self._has_room():
            if not (waiting := self._line.popleft()).done():
                self._inside += 1
                waiting.set_result(None)

    def _has_room(self) -> bool:
        most = min(self._most, self._decoding + self._ahead) if self._reported else self._most
        return self._inside < most
