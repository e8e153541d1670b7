"""An MLflow server for tests: MLflow's own, on loopback, with a database and a folder that end with the test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from command_runs import kill_tree
from support import wait_until
from times import dear_start

# No job runner, no word to anybody else.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "DO_NOT_TRACK": "true",
}


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Run a server that keeps everything in `folder`, and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | SETTINGS, stdout=output, stderr=output)
    try:
        with dear_start("MLflow server"):
            wait_until(lambda: _answers(port) or process.poll() is not None, "the MLflow server", pause_s=0.3)
        assert process.poll() is None, (folder / "output").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        kill_tree(process)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").is_success
    except httpx.HTTPError:
        return False
