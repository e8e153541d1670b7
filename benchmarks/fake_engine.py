"""An engine that decodes nothing: it answers after a fixed time, as many at once as it has slots, and counts both."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

from actors.cancelling import Caller, Callers
from atp_ray.play.model_calls import ModelReply, ReplyRequest, decision_texts
from serve_deployments.admission import Admission


class Busy(NamedTuple):
    """What a replica has done until `at_s`: seconds summed over its slots, replies, and most slots used at once."""

    replica: str
    at_s: float
    slot_seconds: float
    replies: int
    most: int


class FakeEngine:
    """Answers as `AgentLLMServer` does, admission and cancelling included.

    Args:
        latency_s: time of a reply once it is inside, seconds; `spread` of it more or less, by the request's seed.
    """

    def __init__(self, slots: int, latency_s: float, spread: float) -> None:
        self._admission = Admission(slots, reported=False)
        self._callers = Callers()
        self._latency_s, self._spread = latency_s, spread
        self._inside = self._most = self._replies = 0
        self._slot_seconds, self._since = 0.0, time.monotonic()

    async def reply(
        self, requests: Sequence[ReplyRequest], adapter: str | None, timeout_s: float, caller: Caller | None
    ) -> list[ModelReply]:
        """Return a decision for each request, either one with the same chance."""
        return list(await self._callers.work(caller, asyncio.gather(*(self._one(request) for request in requests))))

    async def busy(self) -> Busy:
        """Return what was done so far."""
        from ray import serve

        self._change(0)
        replica = serve.get_replica_context().replica_tag
        return Busy(replica, self._since, self._slot_seconds, self._replies, self._most)

    async def _one(self, request: ReplyRequest) -> ModelReply:
        chance = random.Random(request.seed)
        async with self._admission.admitted():
            self._change(1)
            try:
                await asyncio.sleep(self._latency_s * (1 + self._spread * chance.uniform(-1, 1)))
            finally:
                self._change(-1)
        self._replies += 1
        return ModelReply(chance.choice(decision_texts(request.options)), 300, 30, self._latency_s)

    def _change(self, by: int) -> None:
        now = time.monotonic()
        self._slot_seconds += self._inside * (now - self._since)
        self._since = now
        self._inside += by
        self._most = max(self._most, self._inside)
