"""The coordinator's line to one agent actor: turns asked in the same moment travel together; failures are records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import ray
from ray.actor import ActorHandle

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
        """Return the host's answer, or a `TurnFailure` (seat: the first asked) once time-outs and retries are spent."""
        return await self._calls.ask(turn)

    def forget(self, episode_id: str) -> None:
        """Tell the host that an episode is over."""
        self._actor.forget.remote(episode_id)

    async def _send(self, turns: Sequence[Turn]) -> Sequence[Answer]:
        late = ("TurnTimeout", f"no answer within {self._policy.turn_timeout_s:g} s")
        failure = late
        for attempt in range(self._policy.retries + 1):
            if attempt:
                await asyncio.sleep(self._policy.retry_wait_s)
            try:
                answers: Sequence[Answer] = await asyncio.wait_for(
                    self._actor.decide.remote(turns), self._policy.turn_timeout_s
                )
                return answers
            except TimeoutError:
                failure = late
            except ray.exceptions.RayTaskError as error:
                raise own_error(error) from None
            except ray.exceptions.RayActorError as error:
                failure = ("AgentLost", str(error).splitlines()[0])
        return [TurnFailure(turn.seats[0], turn.round, *failure) for turn in turns]
