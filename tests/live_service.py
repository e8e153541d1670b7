"""A real service in its own processes: started, asked, killed and started again by tests."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from rich.console import Console
from support import PATIENCE_S, Late, wait_until
from times import dear_start

from atp_ray.cli.parsing import parse_options
from atp_ray.config_files import configs_dir
from atp_ray.serve.options import ServeOptions

if TYPE_CHECKING:
    from atp_ray.client import Client

# conftest.py imports this file into every process; few start a service.
clients, serving = Late("atp_ray.client"), Late("atp_ray.serve.__main__")

READ_TOKEN, CONTROL_TOKEN = "read-me", "steer-me"
TOKENS = {"ATP_RAY_READ_TOKEN": READ_TOKEN, "ATP_RAY_CONTROL_TOKEN": CONTROL_TOKEN}
# Hardly any Python process starts in so little; Serve gives each proxy that replaces another a little more.
HASTY_PROXY = {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "0.4", "RAY_SERVE_PROXY_GRACEFUL_SHUTDOWN_TIMEOUT_S": "0.1"}
PATIENT_PROXY = {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60"}


class LiveService:
    """`python -m atp_ray.serve` on a free port; `environment` may hold its tokens."""

    def __init__(self, state: Path, *options: str, checkpoint: str = "policy:quantal", **environment: str) -> None:
        self.state = state
        self._options = ("--checkpoint", checkpoint, "--agents-per-actor", "8", *options)
        self._environment = environment
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with dear_start("service"):
            self.start()

    def start(self, **changed: str) -> None:
        """Start it and wait until it answers; `changed` is of its environment."""
        command = [sys.executable, "-m", "atp_ray.serve", "--port", str(self.port), "--state", str(self.state)]
        self._log = (self.state.parent / f"{self.state.name}.log").open("ab")
        self.process = subprocess.Popen(
            [*command, *self._options],
            cwd=configs_dir().parent,
            env=os.environ | self._environment | changed,
            stdout=self._log,
            stderr=self._log,
        )
        # Asking takes work away from what is starting.
        wait_until(lambda: self.process.poll() is not None or self.answers(), "the service to start", pause_s=0.5)
        assert self.process.poll() is None, f"the service did not start: {Path(self._log.name).read_text()[-2000:]}"

    def answers(self) -> bool:
        """Return whether it is up."""
        try:
            return httpx.get(f"{self.url}/v1/health", timeout=PATIENCE_S).is_success
        except httpx.TransportError:
            return False

    def client(self, token: str | None = None, author: str | None = "ann") -> Client:
        """Return a client of it."""
        return clients.Client(self.url, token, author, timeout_s=PATIENCE_S)

    def replaced_proxies(self) -> int:
        """Return how many HTTP proxies Serve took for dead."""
        arguments = [argument for member in self._tree() for argument in command_of(member)]
        [logs] = {argument.partition("=")[2] for argument in arguments if argument.startswith("--log_dir=")}
        return sum(path.read_text().count("is unhealthy") for path in Path(logs, "serve").glob("controller_*.log"))

    def kill(self, title: str) -> None:
        """SIGKILL one of its processes whose title begins so."""
        kill_first(self._tree(), title)

    def kill_tree(self) -> None:
        """SIGKILL everything at once."""
        for member in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        self.process.wait()
        self._log.close()

    def stop(self) -> None:
        """Stop it as a user would."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
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
        given = parse_options(ServeOptions, ["--port", str(port), "--state", str(state), *options], "serve")
        self._thread = threading.Thread(target=self._run, args=(given,), name="service")
        self._error: BaseException | None = None
        self._thread.start()
        self._wait_for("Next:")
        self.first_health = self.client().health()
        self._wait_for("Ready:")

    def _run(self, options: ServeOptions) -> None:
        try:
            serving.run_service(options, None, Console(file=self._output, width=200), self._stop)
        except BaseException as error:  # told to whoever waits for the start
            self._error = error

    def _wait_for(self, line: str) -> None:
        wait_until(lambda: self._error is not None or line in self._output.getvalue(), f"the service to say {line}")
        if self._error is not None:
            raise self._error

    @property
    def openai_url(self) -> str:
        """Where its models answer OpenAI clients."""
        return f"{self.url}{serving.OPENAI_PREFIX}/v1"

    def client(self) -> Client:
        """Return a client of it."""
        return clients.Client(self.url, None, "ann", timeout_s=PATIENCE_S)

    def kill(self, title: str) -> None:
        """SIGKILL one process of its Ray whose title begins so."""
        kill_first(psutil.Process().children(recursive=True), title)

    def stop(self) -> None:
        """Stop it as a user would."""
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


class WebhookReceiver(HTTPServer):
    """Remembers what it is told, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.told: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/tips"


class _Hook(BaseHTTPRequestHandler):
    server: WebhookReceiver

    def do_POST(self) -> None:
        self.server.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def kill_first(processes: Sequence[psutil.Process], title: str) -> None:
    """SIGKILL the first process whose title begins so."""
    found = [member for member in processes if " ".join(command_of(member)).startswith(title)]
    assert found, title
    found[0].kill()


def command_of(process: psutil.Process) -> list[str]:
    """Return a process's command line; empty where it has ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):  # a zombie's too
        return process.cmdline()
    return []


def free_port() -> int:
    """Return a port that is free now, out of the range from which the system gives its own to Ray's processes."""
    while True:
        port = random.SystemRandom().randrange(10_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until_over(client: Client, simulation_id: str, *statuses: str) -> None:
    """Wait for a simulation to be finished, or in one of `statuses`."""
    wanted = statuses or ("finished",)
    wait_until(
        lambda: client.simulation(simulation_id).status in wanted, f"{simulation_id} to be {wanted}", pause_s=0.1
    )
