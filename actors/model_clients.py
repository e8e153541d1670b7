"""How a model on Ray Serve is asked by handle; agents do so through `actors.model_gateway`.

A call that fails comes back as a `ModelReply` with its `error`; nothing is raised into the round. A call may wait as
long as its engine has others to serve; only where no replica has run for `timeout_s` is it given up. What a replica
was asked that died meanwhile is asked again of another: same seed, same reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ray.exceptions import RayActorError, RayError

from actors.cancelling import Caller
from actors.coalescer import Coalescer
from actors.deployment_watch import DeploymentWatch
from atp_ray.play.model_calls import ModelReply, ReplyRequest, RequestBatch

DEATHS = 3  # of replicas, before what they were asked is lost
TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Deployment:
    """Where a checkpoint's Serve deployment is found; `adapter` names the LoRA adapter in it, None for the base."""

    app_name: str
    deployment_name: str
    coalesce: int = 1
    adapter: str | None = None


class ServeClient:
    """Calls the shared model deployment by handle.

    Requests that arrive in the same turn of the event loop travel together, at most `coalesce` in a call.

    Args:
        timeout_s: longest time of a request inside the engine, and of the deployment without a replica; seconds.
    """

    def __init__(self, deployment: Deployment, timeout_s: float = TIMEOUT_S) -> None:
        self._deployment = deployment
        self._timeout_s = timeout_s
        self._handle: Any = None
        self._watch = DeploymentWatch(deployment.app_name, deployment.deployment_name, timeout_s)
        self._calls: Coalescer[ReplyRequest, ModelReply] = Coalescer(self._send, deployment.coalesce)

    @staticmethod
    def prepare() -> None:
        """Import Ray Serve: better while the engine starts than in the first round."""
        import_module("ray.serve")

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the engine's reply to one request."""
        return await self._calls.ask(request)

    async def _send(self, requests: Sequence[ReplyRequest]) -> Sequence[ModelReply]:
        # Imported here: agents know this module's types and do not pay for Serve.
        from ray.serve.exceptions import RayServeException

        lost: Exception | None = None
        for _ in range(DEATHS):
            try:
                return await self._ask(requests)
            except RayActorError as error:
                lost = error
            except (RayError, RayServeException, TimeoutError) as error:
                return lost_replies(error, len(requests))
        assert lost is not None
        return lost_replies(lost, len(requests))

    async def _ask(self, requests: Sequence[ReplyRequest]) -> Sequence[ModelReply]:
        """Return the replies.

        Raises:
            TimeoutError: nobody is left to give them.
        """
        from ray import serve

        place = self._deployment
        if self._handle is None:
            self._handle = serve.get_deployment_handle(place.deployment_name, place.app_name)
        call = self._handle.reply.remote(RequestBatch(requests), place.adapter, self._timeout_s, Caller.here())
        answer: asyncio.Future[Sequence[ModelReply]] = asyncio.ensure_future(_answer(call))
        try:
            while not (await asyncio.wait({answer}, timeout=self._watch.every_s))[0]:
                if await self._watch.gone():
                    raise TimeoutError(f"no replica of the engine has been running for {self._timeout_s:g} s")
            return answer.result()
        finally:
            answer.cancel()


async def _answer(call: Any) -> Sequence[ModelReply]:
    """Wait for a call on Serve; cancelled, it cancels the call, wherever that has got to."""
    try:
        replies: Sequence[ModelReply] = await call
    except asyncio.CancelledError:
        call.cancel()
        raise
    return replies


def lost_replies(error: Exception, count: int) -> list[ModelReply]:
    """Return what `count` requests get whose call failed."""
    message = (str(error).strip().splitlines() or [""])[-1]
    return [ModelReply("", error=f"{type(error).__name__}: {message}")] * count
