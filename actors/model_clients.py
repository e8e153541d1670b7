"""How a model on Ray Serve is asked by handle; agents do so through `actors.model_gateway`.

A call that fails comes back as a `ModelReply` with its `error`; nothing is raised into the round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ray.exceptions import RayError

from actors.coalescer import Coalescer
from atp_ray.play.model_calls import ModelReply, ReplyRequest, RequestBatch


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
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._handle: Any = None
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
        from ray import serve
        from ray.serve.exceptions import RayServeException

        try:
            if self._handle is None:
                self._handle = serve.get_deployment_handle(self._deployment.deployment_name, self._deployment.app_name)
            replies: list[ModelReply] = await self._handle.reply.remote(
                RequestBatch(requests), self._deployment.adapter
            )
        except (RayError, RayServeException) as error:
            return lost_replies(error, len(requests))
        return replies


def lost_replies(error: Exception, count: int) -> list[ModelReply]:
    """Return what `count` requests get whose call failed."""
    message = (str(error).strip().splitlines() or [""])[-1]
    return [ModelReply("", error=f"{type(error).__name__}: {message}")] * count
