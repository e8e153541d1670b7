"""How an agent reaches its model: a Ray Serve handle, or somebody's OpenAI-compatible endpoint.

A call that fails comes back as a `ModelReply` with its `error`; nothing is raised into the round.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import httpx
from ray.exceptions import RayError

from actors.coalescer import Coalescer
from atp_ray.checkpoint_profiles import EndpointProfile
from atp_ray.model_calls import ModelReply, ReplyRequest, decision_schema

REFUSED = (400, 413, 422)  # the request is at fault, not the endpoint


class ModelClient(Protocol):
    """Anything that turns requests into replies."""

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the reply to one request."""
        ...


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
        # Imported here: an agent without a model does not pay the second and the memory that Serve costs.
        from ray import serve
        from ray.serve.exceptions import RayServeException

        try:
            if self._handle is None:
                self._handle = serve.get_deployment_handle(self._deployment.deployment_name, self._deployment.app_name)
            replies: list[ModelReply] = await self._handle.reply.remote(list(requests), self._deployment.adapter)
        except (RayError, RayServeException) as error:
            message = (str(error).strip().splitlines() or [""])[-1]
            return [ModelReply("", error=f"{type(error).__name__}: {message}")] * len(requests)
        return replies


class EndpointClient:
    """Calls an OpenAI-compatible endpoint over HTTP, at most `concurrency` requests at once."""

    def __init__(self, profile: EndpointProfile) -> None:
        self._profile = profile
        key = os.environ.get(profile.api_key_env)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(base_url=profile.base_url.rstrip("/"), headers=headers, timeout=600)
        self._slots = asyncio.Semaphore(profile.concurrency)

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the endpoint's reply to one request."""
        sampling = request.sampling
        body: dict[str, object] = {
            "model": self._profile.model,
            "messages": list(request.messages),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": request.seed,
        }
        if request.stop:
            body["stop"] = list(request.stop)
        elif sampling.structured:
            schema = {"name": "decision", "schema": decision_schema(request.options), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if sampling.thinking is not None:
            body["chat_template_kwargs"] = {"enable_thinking": sampling.thinking}
        async with self._slots:
            start = time.monotonic()
            try:
                response = await self._http.post("/chat/completions", json=body)
                response.raise_for_status()
                data = response.json()
                text = data["choices"][0]["message"]["content"] or ""
            except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
                refused = isinstance(error, httpx.HTTPStatusError) and error.response.status_code in REFUSED
                return ModelReply("", error=f"{type(error).__name__}: {error}".splitlines()[0], refused=refused)
        usage = data.get("usage") or {}
        return ModelReply(
            text,
            int(usage.get("prompt_tokens", 0)),
            int(usage.get("completion_tokens", 0)),
            time.monotonic() - start,
        )
