"""Calls end with whoever waits for them: where the caller cancels its wait, and where the caller dies.

Ray by itself goes on with a call that nobody waits for any more, down to an engine that decodes for nobody. So a wait
that is cancelled cancels its call (`awaited`), and whoever works for others asks from time to time whether they are
still there (`Callers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, NamedTuple, TypeVar

import ray
from ray.actor import ActorHandle
from ray.exceptions import ActorUnavailableError, RayActorError

WATCH_EVERY_S = 5.0
AnswerT = TypeVar("AnswerT")


async def awaited(call: Any) -> Any:
    """Return what an actor's method returns (`call` is its object reference); cancelled, it cancels the call.

    What the call asked of others ends only if it does so itself: others may wait for the same (`Coalescer`).
    """
    try:
        return await call
    except asyncio.CancelledError:
        ray.cancel(call, recursive=False)
        raise


class Caller(NamedTuple):
    """An actor that asks another one: its name, and the process it is now; after a restart it is another."""

    namespace: str
    name: str
    worker: str

    @staticmethod
    def here() -> Caller | None:
        """Return the named actor this code runs in, None where there is none: nobody can watch over it."""
        context = ray.get_runtime_context()
        if context.worker.mode != ray.WORKER_MODE or not (name := context.get_actor_name()):
            return None
        return Caller(context.namespace, name, context.get_worker_id())


class Callers:
    """Those an actor works for; what one of them asked is cancelled when it dies."""

    def __init__(self) -> None:
        self._work: dict[Caller, set[asyncio.Future[Any]]] = {}
        self._watches: set[asyncio.Task[None]] = set()

    async def work(self, caller: Caller | None, asked: Awaitable[AnswerT]) -> AnswerT:
        """Return the outcome of `asked`, unless it is cancelled or `caller` dies meanwhile; then it is cancelled too.

        Raises:
            asyncio.CancelledError: the caller is gone.
        """
        task = asyncio.ensure_future(asked)
        if caller is None:
            return await task
        tasks = self._work.get(caller)
        if tasks is None:
            tasks = self._work[caller] = set()
            watch = asyncio.create_task(self._watch(caller))
            self._watches.add(watch)  # the loop itself keeps only weak references
            watch.add_done_callback(self._watches.discard)
        tasks.add(task)
        try:
            return await task
        finally:
            tasks.discard(task)

    async def _watch(self, caller: Caller) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if not self._work[caller]:
                break
            if not await _lives(caller):
                for task in tuple(self._work[caller]):
                    task.cancel()
                break
        del self._work[caller]


async def _lives(caller: Caller) -> bool:
    try:
        actor: ActorHandle[Any] = ray.get_actor(caller.name, caller.namespace)
        return bool(await actor.__ray_call__.remote(_worker_id) == caller.worker)
    except ActorUnavailableError:
        return True  # nobody knows yet; next time
    except (RayActorError, ValueError):
        return False


def _worker_id(_: object) -> str:
    return str(ray.get_runtime_context().get_worker_id())
