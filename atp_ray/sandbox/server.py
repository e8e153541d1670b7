"""The program inside the sandbox: a warm fork server; each session is one child that runs what a model wrote.

It is started as a plain script and imports nothing of the project. Requests come as JSON lines on standard input,
results go as JSON lines to standard output. A child is trusted with nothing: it has its own control socket and
output pipe, and what it sends there can only spoil its own results.

Arguments: the folder of packages, `seccomp` or `plain`, and the limits as JSON.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import session_child  # beside this script, in the sandbox too

_PR_SET_DUMPABLE = 4
_REPLY_BYTES = 64
_MIB = 1024**2


class Session:
    """One child as the server sees it: its process, its two lines, and the call that is running."""

    def __init__(self, pid: int, control: socket.socket, output: int) -> None:
        self.pid = pid
        self.control = control
        self.output = output
        self.request: int | None = None
        self.started = 0.0
        self.deadline = 0.0
        self.written = bytearray()


class Server:
    """Forks children, hands them code, watches their limits and reports."""

    def __init__(self, limits: dict[str, Any], secure: Callable[[], None], address_space: int) -> None:
        self._limits = limits
        self._secure = secure
        self._address_space = address_space
        self._sessions: dict[str, Session] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ, None)
        self._typed = bytearray()

    def run(self) -> None:
        """Serve until standard input ends."""
        while True:
            for key, _ in self._selector.select(self._patience()):
                if key.data is None:
                    if not self._read_requests():
                        return
                elif key.fileobj == self._live(key.data, "output"):
                    self._drain(key.data)
                else:
                    self._finish(key.data)
            now = time.monotonic()
            for name, session in list(self._sessions.items()):
                if session.request is not None and now >= session.deadline:
                    self._end(name, "time_limit")

    def _live(self, name: str, line: str) -> object:
        session = self._sessions.get(name)
        return getattr(session, line, None)

    def _patience(self) -> float | None:
        deadlines = [session.deadline for session in self._sessions.values() if session.request is not None]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _read_requests(self) -> bool:
        data = os.read(0, 65536)
        self._typed += data
        while (end := self._typed.find(b"\n")) >= 0:
            request = json.loads(self._typed[:end])
            del self._typed[: end + 1]
            if request["op"] == "end":
                self._end(request["session"], "killed")
            else:
                self._start_call(request)
        return bool(data)

    def _start_call(self, request: dict[str, Any]) -> None:
        name = request["session"]
        session = self._sessions.get(name) or self._fork(name)
        session.request, session.written = request["id"], bytearray()
        session.started = time.monotonic()
        session.deadline = session.started + self._limits["wall_s"]
        code = request["code"].encode("utf-8", "surrogatepass")
        try:
            session.control.sendall(len(code).to_bytes(4, "big") + code)
        except OSError:
            self._end(name, "killed")

    def _fork(self, name: str) -> Session:
        here, there = socket.socketpair()
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            # What other sessions wrote is none of the child's business.
            self._sessions.clear()
            self._typed.clear()
            try:
                session_child.become_child(there.fileno(), writer, self._limits, self._secure, self._address_space)
            finally:
                os._exit(1)
        there.close()
        os.close(writer)
        os.set_blocking(reader, False)
        here.settimeout(1.0)
        session = self._sessions[name] = Session(pid, here, reader)
        self._selector.register(here, selectors.EVENT_READ, name)
        self._selector.register(reader, selectors.EVENT_READ, name)
        return session

    def _drain(self, name: str) -> None:
        """Take what the child has printed; too much of it ends the child."""
        session = self._sessions.get(name)
        if session is None:
            return
        try:
            while data := os.read(session.output, 65536):
                session.written += data
                if len(session.written) > self._limits["output_bytes"]:
                    self._end(name, "output_limit")
                    return
        except BlockingIOError:
            return
        self._selector.unregister(session.output)  # end of file: the child closed it or is ending

    def _finish(self, name: str) -> None:
        """Take the child's word that a call is over, or notice that the child is."""
        session = self._sessions.get(name)
        if session is None:
            return
        try:
            word = session.control.recv(_REPLY_BYTES)
        except OSError:
            word = b""
        if not word:
            self._end(name, "killed")
            return
        self._drain(name)
        if self._sessions.get(name) is session and session.request is not None:
            status = {b"o": "ok", b"e": "error", b"m": "memory_limit"}.get(word[:1], "killed")
            if status in ("ok", "error"):
                self._report(session, status)
            else:
                self._end(name, status)

    def _end(self, name: str, status: str) -> None:
        session = self._sessions.pop(name, None)
        if session is None:
            return
        os.kill(session.pid, signal.SIGKILL)
        _, _, usage = os.wait4(session.pid, 0)
        if status == "killed" and usage.ru_utime + usage.ru_stime >= self._limits["cpu_s"]:
            status = "time_limit"
        for line in (session.control, session.output):
            try:
                self._selector.unregister(line)
            except KeyError:
                continue
        self._report(session, status)
        session.control.close()
        os.close(session.output)

    def _report(self, session: Session, status: str) -> None:
        if session.request is None:
            return
        output = bytes(session.written[: self._limits["output_bytes"]])
        report = {
            "id": session.request,
            "status": status,
            "output": output.decode("utf-8", "replace"),
            "seconds": round(time.monotonic() - session.started, 4),
            "truncated": len(session.written) > len(output),
        }
        session.request = None
        write_line(report)


def write_line(message: dict[str, Any]) -> None:
    """Send one message to the host."""
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


def address_space() -> int:
    """Return the bytes of address space this process has in use; found by trial, as there is no /proc to read."""
    import mmap

    low, high = 0, 64 * 1024**3
    while high - low > _MIB:
        middle = (low + high) // 2
        resource.setrlimit(resource.RLIMIT_AS, (middle, resource.RLIM_INFINITY))
        try:
            mmap.mmap(-1, 4096).close()
            high = middle
        except OSError:
            low = middle
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return high


def warm_up() -> None:
    """Import what model code will import, so that every session starts with it, and make randomness repeatable."""
    import decimal
    import fractions
    import itertools
    import math
    import statistics

    import numpy
    import scipy.optimize
    import scipy.special
    import sympy

    numpy.random.seed(0)
    used = (decimal, fractions, itertools, math, statistics, scipy, sympy.Integer(6).factors())
    del used
    # Objects made so far are never collected, so that children do not copy the pages they lie in.
    gc.collect()
    gc.freeze()


def main() -> None:
    """Start the server."""
    packages, mode, limits = sys.argv[1:4]
    sys.path.append(packages)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    warm_up()
    if mode == "seccomp":
        import seccomp  # beside this script, inside the sandbox

        secure: Callable[[], None] = seccomp.install
        if not seccomp.supported():
            write_line({"refused": "its system calls are not known to the filter"})
            return
    else:
        secure = lambda: None  # noqa: E731 - asked for: `--sandbox none`
    write_line({"ready": True})
    Server(json.loads(limits), secure, address_space()).run()


if __name__ == "__main__":
    main()
