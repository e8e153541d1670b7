"""A real service in its own processes: started, asked, killed and started again by tests."""

from __future__ import annotations

import argparse
import io
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest
from rich.console import Console
from support import PATIENCE_S

from atp_ray.client import Client
from atp_ray.config_files import configs_dir
from atp_ray.serve import OPENAI_PREFIX, build_parser, run_service


class LiveService:
    """`python -m atp_ray.serve` on a free port; `environment` may hold its tokens."""

    def __init__(self, state: Path, *options: str, checkpoint: str = "policy:quantal", **environment: str) -> None:
        self.state = state
        self._options = ("--checkpoint", checkpoint, *options)
        self._environment = environment
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "atp_ray.serve", "--port", str(self.port), "--state", str(self.state)]
        self._log = (self.state.parent / f"{self.state.name}.log").open("ab")
        self.process = subprocess.Popen(
            [*command, *self._options],
            cwd=configs_dir().parent,
            env=os.environ | self._environment,
            stdout=self._log,
            stderr=self._log,
        )
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.answers():
                return
            time.sleep(0.3)
        if self.process.poll() is None:
            self.kill_tree()
        pytest.fail(f"the service did not start: {Path(self._log.name).read_text()[-2000:]}")

    def answers(self) -> bool:
        """Return whether it is up."""
        try:
            return httpx.get(f"{self.url}/v1/health", timeout=5).is_success
        except httpx.TransportError:
            return False

    def client(self, token: str | None = None, author: str | None = "ann") -> Client:
        """Return a client of it."""
        return Client(self.url, token, author, timeout_s=60)

    def kill(self, title: str) -> None:
        """SIGKILL one of its processes whose title begins so."""
        found = [member for member in self._tree() if " ".join(member.cmdline()).startswith(title)]
        assert found, title
        found[0].kill()

    def kill_tree(self) -> None:
        """SIGKILL everything at once."""
        for member in self._tree():
            member.kill()
        self.process.wait()
        self._log.close()

    def stop(self) -> None:
        """Stop it as a user would."""
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            self.kill_tree() if self.process.poll() is None else self._log.close()

    def _tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]


class HostedService:
    """The service in this process and on its Ray, as `python -m atp_ray.serve` runs it in one of its own."""

    def __init__(self, state: Path, *options: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._stop = threading.Event()
        self._output = io.StringIO()
        arguments = build_parser().parse_args(["--port", str(port), "--state", str(state), *options])
        self._thread = threading.Thread(target=self._run, args=(arguments,), name="service")
        self._error: BaseException | None = None
        self._thread.start()
        deadline = time.monotonic() + PATIENCE_S
        while "Next:" not in self._output.getvalue():
            if self._error is not None:
                raise self._error
            assert time.monotonic() < deadline, self._output.getvalue()
            time.sleep(0.1)

    def _run(self, arguments: argparse.Namespace) -> None:
        try:
            run_service(arguments, Console(file=self._output, width=200), self._stop)
        except BaseException as error:  # told to whoever waits for the start
            self._error = error

    @property
    def openai_url(self) -> str:
        """Where its models answer OpenAI clients."""
        return f"{self.url}{OPENAI_PREFIX}/v1"

    def client(self) -> Client:
        """Return a client of it."""
        return Client(self.url, None, "ann", timeout_s=60)

    def stop(self) -> None:
        """Stop it as a user would."""
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_over(client: Client, simulation_id: str, *statuses: str, timeout_s: float = 120) -> str:
    """Wait for a simulation to be finished, or in one of `statuses`, and return its status."""
    deadline = time.monotonic() + timeout_s
    while (status := client.simulation(simulation_id).status) not in (statuses or ("finished",)):
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    return status
