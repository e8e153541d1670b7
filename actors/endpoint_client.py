"""A model behind somebody's OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import os
import time

import httpx

from atp_ray.checkpoint.profiles import EndpointProfile
from atp_ray.play.model_calls import ModelReply, ReplyRequest, decision_schema

REFUSED = (400, 413, 422)  # the request is at fault, not the endpoint


class EndpointClient:
    """Calls an OpenAI-compatible endpoint over HTTP, at most `concurrency` requests at once.

    Args:
        timeout_s: longest time from the moment a request is sent to its reply, seconds.
    """

    def __init__(self, profile: EndpointProfile, timeout_s: float = 900) -> None:
        self._profile = profile
        self._timeout_s = timeout_s
        key = os.environ.get(profile.api_key_env)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # A connection for each request in flight: waiting for one would count as waiting for the reply.
        limits = httpx.Limits(max_connections=profile.concurrency, max_keepalive_connections=profile.concurrency)
        self._http = httpx.AsyncClient(
            base_url=profile.base_url.rstrip("/"), headers=headers, timeout=timeout_s, limits=limits
        )
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
                async with asyncio.timeout(self._timeout_s):
                    response = await self._http.post("/chat/completions", json=body)
                response.raise_for_status()
                data = response.json()
                text = data["choices"][0]["message"]["content"] or ""
            except (TimeoutError, httpx.TimeoutException):
                return ModelReply("", error=f"no reply within {self._timeout_s:g} s of sending the request")
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
