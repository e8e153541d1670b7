"""The coordinator's line to one agent actor: turns asked in the same moment travel together; failures are records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import ray
from ray.actor import ActorHandle

from actors.failure_policy import FailurePolicy
from atp_ray.turns import MemoryGap, Turn, TurnFailure, TurnReply

Answer = TurnReply | MemoryGap | TurnFailure


class HostClient:
    """Asks one agent actor; `coalesce` bounds how many turns one call carries."""

    def __init__(self, actor: ActorHandle[Any], policy: FailurePolicy, coalesce: int) -> None:
        self._actor = actor
        self._policy = policy
        self._coalesce = coalesce
        self._waiting: list[tuple[Turn, asyncio.Future[Answer]]] = []
        self._calls: set[asyncio.Task[None]] = set()

    async def ask(self, turn: Turn) -> Answer:
        """Return the host's answer, or a `TurnFailure` (seat: the first asked) once time-outs and retries are spent."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((turn, future))
        return await future

    def forget(self, episode_id: str) -> None:
        """Tell the host that an episode is over."""
        self._actor.forget.remote(episode_id)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), self._coalesce):
            task = asyncio.ensure_future(self._send(waiting[start : start + self._coalesce]))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _send(self, batch: Sequence[tuple[Turn, asyncio.Future[Answer]]]) -> None:
        turns = [turn for turn, _ in batch]
        answers: Sequence[Answer] = ()
        for attempt in range(self._policy.retries + 1):
            if attempt:
                await asyncio.sleep(self._policy.retry_wait_s)
            try:
                call = self._actor.decide.remote(turns)
                answers = await asyncio.wait_for(call, self._policy.turn_timeout_s)
                break
            except TimeoutError:
                message = f"no answer within {self._policy.turn_timeout_s:g} s"
                answers = [TurnFailure(turn.seats[0], turn.round, "TurnTimeout", message) for turn in turns]
            except ray.exceptions.RayActorError as error:
                message = str(error).splitlines()[0]
                answers = [TurnFailure(turn.seats[0], turn.round, "AgentLost", message) for turn in turns]
            except Exception as error:  # a bug in the host must end the cell, not hang its episodes
                for _, future in batch:
                    future.set_exception(error)
                return
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)
