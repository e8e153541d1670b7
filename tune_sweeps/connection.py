"""The Ray a command uses: the one it was given, the one this machine belongs to, or one of its own."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available
from ray._private.ray_logging import stdout_deduplicator
from ray._private.utils import read_ray_address

from atp_ray.config_files import configs_dir
from atp_ray.errors import EngineError, UsageError
from atp_ray.storage.run_folder import in_ray_job

PACKAGES = ("atp_ray", "actors", "serve_deployments", "tune_sweeps", "configs")
# Settings of the driver that hold for all nodes; secrets travel otherwise (actors.tokens).
TRAVELLING = (
    "ATP_RAY_PARADIGMS", "HF_ENDPOINT", "HF_HUB_OFFLINE", "WANDB_MODE", "WANDB_PROJECT",
    "AWS_REGION", "AWS_DEFAULT_REGION", "STORAGE_EMULATOR_HOST",
)  # fmt: skip
CPUS_PER_ENGINE = 2
CONNECT_TIMEOUT_S = 5.0
PROXY_PATIENCE = "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S"
# Nobody reads what Ray collects where there is no dashboard and no log that goes to the driver: every minute will do
# instead of ten times a second (log files) and every five seconds (all processes).
QUIET = {
    "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",
    "LOG_NAME_UPDATE_INTERVAL_S": "60",
    "REPORTER_UPDATE_INTERVAL_MS": "60000",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_enable_metrics_collection": "0",
}
ONE_NODE = {
    # Nobody drains the only node of a Ray of one's own; the process that looks out for it costs every training 2 s.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    # Agents and engines run at the command's own priority: at Ray's (15) they starve beside any other work.
    "RAY_worker_niceness": "0",
}
RAY_CHATTER = "worker processes have been started|Task .* failed|actor is dead"
LOCAL = "local"


def find_cluster(given: str | None, say: Callable[[str], None]) -> str | None:
    """Return the address of the Ray cluster to use, None for a Ray of this command's own.

    What is given wins over RAY_ADDRESS, and that over a cluster that `ray start` made this machine a part of.

    Args:
        given: `auto`, `HOST:PORT`, `local`, or None.
        say: told in one line where the answer is not what was asked for.

    Raises:
        UsageError: it is an address of Ray's client, or none that Ray knows.
        EngineError: `auto`, and this machine is not part of a running cluster.
    """
    asked, source = (given, "--address") if given else (os.environ.get("RAY_ADDRESS") or None, "RAY_ADDRESS")
    if asked == LOCAL:
        return None
    if asked is not None and asked.startswith(("ray://", "http://", "https://")):
        hint = "Run the command on a node of the cluster, or hand it over with `ray job submit`"
        raise UsageError(f"'{asked}' would leave the results on another machine", source, hint)
    if asked is not None and asked != "auto":
        _require_listening(asked, source)
        return asked
    known = read_ray_address()
    if known is not None and _listens(known):
        if asked is None:
            say(f"Ray:     the cluster at {known} (--address local starts one for this command only)")
        return str(known)
    if asked == "auto":
        hint = "Start one with `ray start --head`, or give --address HOST:PORT"
        raise EngineError("this machine is not part of a running Ray cluster", source, hint)
    if known is not None:
        say(f"Ray:     the cluster at {known} has ended; starting one for this command")
    return None


@contextmanager
def connected(address: str | None, n_engines: int = 1) -> Iterator[None]:
    """Be connected to a Ray cluster; one that was started for this purpose ends with it and has room for `n_engines`.

    Args:
        address: of a running cluster, as `find_cluster` returns it; None starts one.

    Raises:
        EngineError: no cluster answers.
    """
    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    # What raylets say of themselves (worker counts, restarted actors) would tear the progress bar apart; it stays in
    # Ray's session logs. This is RAY_DEDUP_LOGS_SKIP_REGEX, which Ray reads only while it is imported.
    stdout_deduplicator.skip_re = re.compile(RAY_CHATTER)
    try:
        with _own_signals():
            _start_local(n_engines) if address is None else _join(address)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        reason = (str(error).splitlines() or [""])[0]
        hint = "Check --address and that the cluster is up; its nodes share a token (~/.ray/auth_token)"
        raise EngineError(f"cannot reach Ray: {reason}", address or LOCAL, hint) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what SIGTERM does: Ray, once connected, would print a trace of its own and abort."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def _start_local(n_engines: int) -> None:
    with _environment_of_workers():
        ray.init(
            address=LOCAL,  # also where RAY_ADDRESS or another Ray's address file is about
            # Logical CPUs: an engine replica books CPUS_PER_ENGINE, and the rest must not wait for it.
            num_cpus=(os.cpu_count() or 1) + CPUS_PER_ENGINE * n_engines,
            include_dashboard=False,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )


def _join(address: str) -> None:
    # Ray does so by itself for `auto` only; without it a cluster with tokens is given up after 20 s.
    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    with _code_to_send() as code:
        environment: dict[str, Any] = {
            "env_vars": {name: os.environ[name] for name in TRAVELLING if name in os.environ}
        }
        if code is not None:
            environment["working_dir"] = str(code)
        ray.init(address=address, runtime_env=environment, logging_level=logging.ERROR, log_to_driver=False)


@contextmanager
def _code_to_send() -> Iterator[Path | None]:
    """Make a folder of the project's packages alone, which Ray sends to all nodes; None in a job, whose code is there.

    Ray sends the folder while it connects, by its contents: the same code is sent once.
    """
    if in_ray_job():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="atp_ray-code-") as folder:
        copy_packages(Path(folder))
        yield Path(folder)


def copy_packages(folder: Path) -> None:
    """Write to `folder` what other nodes need of the project."""
    for package in PACKAGES:
        source = configs_dir().parent / package
        shutil.copytree(source, folder / package, ignore=shutil.ignore_patterns("__pycache__"))


@contextmanager
def _environment_of_workers() -> Iterator[None]:
    """Set what a Ray that is started meanwhile hands down to its workers.

    As a runtime environment the same would start every worker's Python twice.
    """
    # Workers find the packages by the folder that holds them, wherever the command was typed.
    root = str(configs_dir().parent)
    wanted = {
        "PYTHONPATH": os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part),
        # Serve kills a proxy that takes longer to start than 5 s, which on a busy machine each one does.
        PROXY_PATIENCE: os.environ.get(PROXY_PATIENCE, "60"),
    } | {name: os.environ.get(name, value) for name, value in (QUIET | ONE_NODE).items()}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _require_listening(address: str, source: str) -> None:
    """Check that somebody listens at `HOST:PORT`; Ray itself would try for minutes.

    Raises:
        UsageError: it is no such address.
        EngineError: nobody does.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"'{address}' is no address of a cluster", source, "Give auto, HOST:PORT or local")
    if not _listens(address):
        hint = "Check the address and that the cluster is up, or leave it out"
        raise EngineError(f"cannot reach Ray: nothing listens at {address}", source, hint)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
