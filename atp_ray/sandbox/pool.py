"""The warm pool: sessions of many agents in one sandbox, rebuilt when it is lost."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from dataclasses import dataclass, field

from atp_ray.sandbox.isolation import Isolation, cannot_isolate, launches
from atp_ray.sandbox.limits import SandboxLimits
from atp_ray.sandbox.results import ToolResult
from atp_ray.sandbox.server_process import ServerFailed, ServerProcess

KEEPS_SESSION = ("ok", "error")


@dataclass
class _Session:
    """What the host knows of a session: the calls that made it, and the server that holds it (None: none does)."""

    history: list[str] = field(default_factory=list)
    server: ServerProcess | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SandboxPool:
    """Runs Python in isolated sessions; each keeps its variables between calls, and no session sees another.

    A session whose process is gone (a limit was met, the sandbox was killed or hung) is rebuilt from the calls that
    went well before, when it is next used. Nothing that code does raises into the caller.

    Args:
        isolation: `none` runs with the rights of this process; only where it was asked for.
    """

    def __init__(self, isolation: Isolation = "bubblewrap", limits: SandboxLimits | None = None) -> None:
        self.isolation = isolation
        self.limits = limits or SandboxLimits()
        self._server: ServerProcess | None = None
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._starting = asyncio.Lock()
        self._slots = asyncio.Semaphore(self.limits.calls_at_once or os.cpu_count() or 1)

    async def start(self) -> None:
        """Start the sandbox and wait until it is warm.

        Raises:
            UsageError: this host cannot isolate; one line says how to enable it.
        """
        try:
            await self._running_server()
        except ServerFailed as error:
            raise cannot_isolate(str(error)) from error

    async def run(self, session: str, code: str) -> ToolResult:
        """Run `code` in the session of that name, made if it is new."""
        if len(code.encode("utf-8", "surrogatepass")) > self.limits.code_bytes:
            return ToolResult("refused", f"The code is longer than {self.limits.code_bytes} bytes.", 0.0, False)
        kept = self._sessions.setdefault(session, _Session())
        self._sessions.move_to_end(session)
        async with kept.lock, self._slots:
            for _ in range(2):
                result = await self._try(session, kept, code)
                if result is not None:
                    return result
        return ToolResult("lost", "The sandbox failed twice.", 0.0, False)

    async def end(self, session: str) -> None:
        """Forget a session and end its process."""
        kept = self._sessions.pop(session, None)
        if kept is not None and kept.server is not None:
            await kept.server.end(session)

    async def close(self) -> None:
        """End the sandbox and everything in it."""
        if self._server is not None:
            await self._server.kill()
        self._sessions.clear()

    @property
    def server_pid(self) -> int | None:
        """The host's process id of the sandbox, None while there is none."""
        return self._server.pid if self._server is not None and self._server.alive else None

    async def _try(self, session: str, kept: _Session, code: str) -> ToolResult | None:
        try:
            server = await self._running_server()
        except ServerFailed:
            return None
        if kept.server is not server:
            await self._make_room(session)
            for earlier in kept.history:
                if await server.call(session, earlier) is None:
                    return None
            kept.server = server
        result = await server.call(session, code)
        if result is None:
            return None
        if result.status in KEEPS_SESSION:
            kept.history = [*kept.history, code][-self.limits.history :]
        else:
            kept.server = None
        return result

    async def _make_room(self, session: str) -> None:
        """Let the sessions unused for longest sleep; they are rebuilt when used again."""
        awake = [name for name, kept in self._sessions.items() if kept.server is self._server and name != session]
        for name in awake[: max(0, len(awake) + 1 - self.limits.sessions)]:
            kept = self._sessions[name]
            if not kept.lock.locked() and kept.server is not None:
                server, kept.server = kept.server, None
                await server.end(name)

    async def _running_server(self) -> ServerProcess:
        async with self._starting:
            if self._server is None or not self._server.alive:
                if self._server is not None:
                    await self._server.kill()
                ways = launches(self.isolation, self.limits)
                self._server = await ServerProcess.start(ways, self.limits)
            return self._server
