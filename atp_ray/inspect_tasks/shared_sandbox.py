"""One sandbox for all samples that are played at the same time; it ends with the last of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inspect_ai.log import transcript

from atp_ray.sandbox.pool import SandboxPool
from atp_ray.sandbox.results import ToolResult


class LoggedTools:
    """Runs tool calls in a sandbox and notes each in the sample's transcript."""

    def __init__(self, pool: SandboxPool) -> None:
        self._pool = pool

    async def run(self, session: str, code: str) -> ToolResult:
        """Run `code` in a session."""
        result = await self._pool.run(session, code)
        transcript().info({"code": code, "status": result.status, "output": result.output}, source="tool")
        return result

    async def end(self, session: str) -> None:
        """Forget a session."""
        await self._pool.end(session)


class SharedSandbox:
    """Where the tool calls of a task run, isolated by bubblewrap."""

    def __init__(self) -> None:
        self._pool: SandboxPool | None = None
        self._users = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[LoggedTools]:
        """Have the sandbox, which starts with its first user and is closed with its last.

        Raises:
            UsageError: this host cannot isolate.
        """
        self._users += 1
        pool = self._pool = self._pool or SandboxPool()
        try:
            await pool.start()
            yield LoggedTools(pool)
        finally:
            self._users -= 1
            if not self._users:
                self._pool = None
                await pool.close()
