"""One running sandbox as the host sees it: started, asked, and given up when it does not answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from atp_ray.sandbox.isolation import Launch
from atp_ray.sandbox.limits import SandboxLimits
from atp_ray.sandbox.results import ToolResult

START_TIMEOUT_S = 240.0  # what cannot start says so at once; a starved machine takes minutes
GRACE_S = 5.0  # beyond the time limit of a call, before the server counts as hung
_ESCAPED = 6  # bytes one character may take in JSON


class ServerFailed(Exception):
    """The server did not come up; the reason is its last line."""


class ServerProcess:
    """A sandbox with its warm fork server. Whatever it sends is bounded and taken as data."""

    def __init__(self, process: asyncio.subprocess.Process, limits: SandboxLimits) -> None:
        self._process = process
        self._limits = limits
        self._waiting: dict[int, asyncio.Future[ToolResult | None]] = {}
        self._last = 0
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, launches: Sequence[Launch], limits: SandboxLimits) -> ServerProcess:
        """Start a server in the first way that works and wait until it is warm.

        Raises:
            ServerFailed: none works.
        """
        reason = "no way to start it"
        for launch in launches:
            try:
                process = await asyncio.create_subprocess_exec(
                    *launch.command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    env=launch.environment,
                    limit=_ESCAPED * limits.output_bytes + 4096,
                )
            except OSError as error:
                reason = str(error)
                continue
            problem = await _problem_of_start(process)
            if problem is None:
                return cls(process, limits)
            reason = problem
        raise ServerFailed(reason)

    @property
    def pid(self) -> int:
        """The host's process id of the sandbox."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.returncode is None and not self._reader.done()

    async def call(self, session: str, code: str) -> ToolResult | None:
        """Run `code` in a session; None if the server is gone or hung (then it is killed)."""
        self._last += 1
        number = self._last
        future: asyncio.Future[ToolResult | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            await self._send({"op": "run", "id": number, "session": session, "code": code})
            return await asyncio.wait_for(future, self._limits.wall_s + GRACE_S)
        except (TimeoutError, ConnectionError):
            await self.kill()
            return None
        finally:
            self._waiting.pop(number, None)

    async def end(self, session: str) -> None:
        """End a session; nothing happens where it or the server is gone."""
        try:
            await self._send({"op": "end", "session": session})
        except ConnectionError:
            return

    async def kill(self) -> None:
        """End the sandbox and everything in it."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._reader.cancel()
        self._give_up()

    async def _send(self, message: dict[str, Any]) -> None:
        if self._process.stdin is None or not self.alive:
            raise ConnectionError("the sandbox is gone")
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()

    async def _read(self) -> None:
        stream = self._process.stdout
        while stream is not None:
            try:
                line = await stream.readline()
                message = json.loads(line) if line else None
            except ValueError:
                message = None  # a line that is too long or no JSON: not our server any more
            if not isinstance(message, dict):
                break
            future = self._waiting.get(message.get("id", 0))
            if future is not None and not future.done():
                fields = (message[name] for name in ToolResult._fields)
                future.set_result(ToolResult(*fields))
        self._give_up()

    def _give_up(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_result(None)


async def _problem_of_start(process: asyncio.subprocess.Process) -> str | None:
    """Wait for the ready line; return why it did not come, None if it did."""
    if process.stdout is None or process.stderr is None:
        return "no pipes"
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
    except TimeoutError:
        line = b""
    answer = json.loads(line) if line.startswith(b"{") else {}
    if answer.get("ready"):
        return None
    if process.returncode is None and line:
        process.kill()
    try:
        said = (await asyncio.wait_for(process.stderr.read(4096), 5)).decode("utf-8", "replace")
    except TimeoutError:
        process.kill()
        said = "it did not start in time"
    await process.wait()
    return str(answer.get("refused") or (said.strip().splitlines() or ["it ended at once"])[-1])
