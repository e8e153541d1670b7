"""Calls that are asked for in the same moment travel together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

AskT = TypeVar("AskT")
AnswerT = TypeVar("AnswerT")


class Coalescer(Generic[AskT, AnswerT]):
    """Gathers what is asked in one turn of the event loop into calls of at most `size` items.

    A call is cancelled when all who wait for one of its items have been.

    Args:
        send: makes one call; returns an answer per item, in that order. What it raises, every asker of the call gets.
    """

    def __init__(self, send: Callable[[Sequence[AskT]], Awaitable[Sequence[AnswerT]]], size: int) -> None:
        self._send = send
        self._size = size
        self._waiting: list[tuple[AskT, asyncio.Future[AnswerT]]] = []
        self._calls: set[asyncio.Task[None]] = set()

    async def ask(self, item: AskT) -> AnswerT:
        """Return the answer to one item."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[AnswerT] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((item, future))
        return await future

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        wanted = [(item, future) for item, future in waiting if not future.cancelled()]
        for start in range(0, len(wanted), self._size):
            batch = wanted[start : start + self._size]
            task = asyncio.ensure_future(self._deliver(batch))
            self._calls.add(task)  # the loop itself keeps only weak references
            task.add_done_callback(self._calls.discard)
            _cancel_with([future for _, future in batch], task)

    async def _deliver(self, batch: Sequence[tuple[AskT, asyncio.Future[AnswerT]]]) -> None:
        try:
            answers = await self._send([item for item, _ in batch])
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} answers to {len(batch)} requests")
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # whoever waits must hear of it, or would wait for ever
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def _cancel_with(futures: Sequence[asyncio.Future[AnswerT]], task: asyncio.Task[None]) -> None:
    """Cancel `task` as soon as every one of `futures` is cancelled."""

    def given_up(future: asyncio.Future[AnswerT]) -> None:
        if future.cancelled() and all(other.cancelled() for other in futures):
            task.cancel()

    for future in futures:
        future.add_done_callback(given_up)
