"""Sandboxes as actors: where the tool calls of all agents are executed, spread over the cluster's nodes."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import ray
from ray.actor import ActorHandle

from actors.named_actors import start_named
from actors.ray_errors import own_error
from atp_ray.errors import EngineError
from atp_ray.sandbox.isolation import Isolation
from atp_ray.sandbox.limits import SandboxLimits
from atp_ray.sandbox.pool import SandboxPool
from atp_ray.sandbox.results import ToolResult

START_TIMEOUT_S = 300


class SandboxActor:
    """Holds one warm sandbox pool; sessions of many agents share it, each on its own."""

    def __init__(self, isolation: Isolation, limits: SandboxLimits) -> None:
        self._pool = SandboxPool(isolation=isolation, limits=limits)
        self._started = asyncio.Lock()
        self._ready = False

    async def ready(self) -> bool:
        """Start the pool, or return at once where it is up.

        Raises:
            AtpError: the host cannot isolate.
        """
        async with self._started:
            if not self._ready:
                await self._pool.start()
                self._ready = True
        return True

    async def run(self, session: str, code: str) -> ToolResult:
        """Run `code` in a session."""
        await self.ready()
        return await self._pool.run(session, code)

    async def end(self, session: str) -> None:
        """Forget a session."""
        await self._pool.end(session)


class SandboxClient:
    """An agent's line to the sandboxes; a session always goes to the same one."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._actors: dict[str, ActorHandle[Any]] = {}

    async def run(self, session: str, code: str) -> ToolResult:
        """Run `code`; a sandbox that is lost for good gives a result of status `lost`."""
        try:
            result: ToolResult = await self._actor(session).run.remote(session, code)
        except (ray.exceptions.RayError, ValueError) as error:
            reason = str(error).splitlines()[0]
            return ToolResult("lost", f"The tool is not available: {reason}", 0.0, False)
        return result

    async def end(self, session: str) -> None:
        """Forget the session, without waiting for it; nothing is left to forget where the sandbox is gone."""
        with suppress(ValueError, ray.exceptions.RayError):
            self._actor(session).end.remote(session)

    def _actor(self, session: str) -> ActorHandle[Any]:
        name = self._names[zlib.crc32(session.encode()) % len(self._names)]
        if name not in self._actors:
            self._actors[name] = ray.get_actor(name)
        return self._actors[name]


def create_sandboxes(
    isolation: Isolation, count: int, limits: SandboxLimits | None = None
) -> tuple[tuple[str, ...], list[ActorHandle[Any]]]:
    """Start `count` sandbox actors, spread over the nodes, and wait until they are up.

    They live as long as the handles returned beside their names.

    Raises:
        AtpError: a node cannot isolate, or they do not come up in time.
    """
    limits = limits or SandboxLimits()
    try:
        return start_named(SandboxActor, "sandbox", count, isolation, limits, timeout_s=START_TIMEOUT_S)
    except ray.exceptions.RayTaskError as error:
        raise own_error(error) from None
    except ray.exceptions.RayError as error:
        raise EngineError("the sandboxes did not start", hint="See the Ray logs of the node") from error
