"""The coordinator's line to one agent actor: turns asked in the same moment travel together; failures are records.

A turn may take as long as its requests wait for an engine. A host that has not answered for `turn_timeout_s` is asked
whether it is there; if it is, the turn goes on. Only a host that does not answer that either is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import ray
from ray.actor import ActorHandle

from actors.cancelling import Caller, awaited
from actors.coalescer import Coalescer
from actors.failure_policy import FailurePolicy
from actors.ray_errors import own_error
from atp_ray.play.decisions import TurnFailure
from atp_ray.play.turns import MemoryGap, Turn, TurnReply

Answer = TurnReply | MemoryGap | TurnFailure


class HostClient:
    """Asks one agent actor; `coalesce` bounds how many turns one call carries."""

    def __init__(self, actor: ActorHandle[Any], policy: FailurePolicy, coalesce: int) -> None:
        self._actor = actor
        self._policy = policy
        self._calls: Coalescer[Turn, Answer] = Coalescer(self._send, coalesce)

    async def ask(self, turn: Turn) -> Answer:
        """Return the host's answer, or a `TurnFailure` (seat: the first asked) once time-outs and retries are spent.

        Cancelled, it cancels what the host has asked of models.
        """
        return await self._calls.ask(turn)

    def forget(self, episode_id: str) -> None:
        """Tell the host that an episode is over."""
        self._actor.forget.remote(episode_id)

    async def _send(self, turns: Sequence[Turn]) -> Sequence[Answer]:
        failure = ("", "")
        for attempt in range(self._policy.retries + 1):
            if attempt:
                await asyncio.sleep(self._policy.retry_wait_s)
            try:
                return await self._decide(turns)
            except TimeoutError:
                failure = ("TurnTimeout", f"no sign of life within {self._policy.turn_timeout_s:g} s")
            except ray.exceptions.RayTaskError as error:
                raise own_error(error) from None
            except ray.exceptions.RayActorError as error:
                failure = ("AgentLost", str(error).splitlines()[0])
        return [TurnFailure(turn.seats[0], turn.round, *failure) for turn in turns]

    async def _decide(self, turns: Sequence[Turn]) -> Sequence[Answer]:
        """Return the host's answers.

        Raises:
            TimeoutError: it does not answer, nor say that it is at it.
        """
        patience_s = self._policy.turn_timeout_s
        call = asyncio.ensure_future(awaited(self._actor.decide.remote(turns, Caller.here())))
        try:
            while not (await asyncio.wait({call}, timeout=patience_s))[0]:
                await asyncio.wait_for(self._actor.ready.remote(), patience_s)
            answers: Sequence[Answer] = call.result()
            return answers
        finally:
            call.cancel()
