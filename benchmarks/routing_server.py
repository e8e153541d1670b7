"""The model server of `benchmarks.routing`: it counts what of its prompts was cached."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from ray import serve
from ray.serve.llm.deployment import LLMServer

from actors.tokens import Tokens
from serve_deployments.llm_server import AgentLLMServer


class _Counted(LLMServer):
    """What agents' requests pass last before the engine."""

    async def chat(self, *arguments: Any, **named: Any) -> AsyncIterator[Any]:
        """Answer as the base does, and count."""
        return self._counted(await super().chat(*arguments, **named))

    async def _counted(self, responses: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for response in responses:
            if (usage := getattr(response, "usage", None)) is not None:
                self._prompt += usage.prompt_tokens
                self._cached += getattr(usage.prompt_tokens_details, "cached_tokens", 0) or 0
            yield response


class CountingServer(AgentLLMServer, _Counted):
    """Counts prompt tokens, and those of them that its prefix cache held."""

    async def __init__(self, options: dict[str, Any]) -> None:
        self._prompt = self._cached = 0
        await super().__init__(options, Tokens())

    async def counts(self) -> tuple[str, int, int]:
        """Return the replica's name, prompt tokens, and how many of them were cached."""
        return serve.get_replica_context().replica_id.unique_id, self._prompt, self._cached
