"""One live experiment: a Ray cluster, the models it needs, the population and the coordinators."""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray._private.ray_logging import stdout_deduplicator
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator
from actors.failure_policy import FailurePolicy
from actors.population import Population, create_population
from actors.sandboxes import create_sandboxes
from atp_ray.checkpoint.profiles import ModelProfile, Profile
from atp_ray.config_files import configs_dir
from atp_ray.errors import EngineError
from atp_ray.sandbox.isolation import Isolation
from serve_deployments.engine_groups import engine_count
from serve_deployments.engine_plans import Planning
from serve_deployments.model_app import await_models, start_models

POLICY_COALESCE = 256
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
}
RAY_CHATTER = "worker processes have been started|Task .* failed|actor is dead"


@dataclass(frozen=True)
class Placement:
    """How an experiment is spread.

    `address` is None for a Ray of its own on this machine, or an existing cluster's (`auto`, `ray://host:port`).
    `agents_per_actor` None is one actor per agent, packed only beyond what the cluster holds. `cells_at_once` is the
    most cells that a coordinator plays together. `sandbox` is how tool calls are isolated, where there are any.
    `planning` is what the plan of the engines depends on.
    """

    address: str | None = None
    agents_per_actor: int | None = None
    coordinators: int = 1
    cells_at_once: int = 4
    failure_policy: FailurePolicy = field(default_factory=FailurePolicy)
    sandbox: Isolation = "bubblewrap"
    planning: Planning = field(default_factory=Planning)


@dataclass(frozen=True)
class Experiment:
    """Handles of what is running, and how long each part took to start, in seconds."""

    population: Population
    agents: Sequence[ActorHandle[Any]]
    coordinators: Sequence[ActorHandle[Any]]
    seconds: dict[str, float] = field(default_factory=dict)


@contextmanager
def running_experiment(
    run_dir: Path,
    profiles: Sequence[Profile],
    n_agents: int,
    placement: Placement,
    *,
    tools: bool = False,
    on_part: Callable[[str], None] = lambda _: None,
) -> Iterator[Experiment]:
    """Start everything an experiment needs, and end it again.

    Args:
        tools: whether agents run code, in a sandbox on each node.
        on_part: told what is being started, each time it changes.

    Raises:
        EngineError: the cluster cannot be reached, or an engine or the actors do not start.
        UsageError: the GPUs cannot hold the checkpoints.
    """
    seconds: dict[str, float] = {}
    start = time.monotonic()
    models = [profile for profile in profiles if isinstance(profile, ModelProfile)]
    on_part("Ray")
    with connected(placement.address, n_engines=engine_count(models)):
        seconds["ray"] = time.monotonic() - start
        start = time.monotonic()
        # Engines start while agents, sandboxes and coordinators do.
        served = start_models(models, placement.planning)
        on_part(f"{n_agents} agents" + (" and the engine" if models else ""))
        sandboxes: tuple[str, ...] = ()
        sandbox_actors: list[ActorHandle[Any]] = []
        if tools:
            with _timed(seconds, "sandbox"):
                sandboxes, sandbox_actors = create_sandboxes(placement.sandbox, len(ray.nodes()))
        with _timed(seconds, "agents"):
            players = [PlayerSpec(profile, served.deployments.get(profile.name)) for profile in profiles]
            population, agents = create_population(n_agents, players, placement.agents_per_actor, sandboxes)
            coordinators = _create_coordinators(run_dir, population, profiles, placement)
        if models:
            await_models(served, on_part)
            seconds["engine"] = time.monotonic() - start
        try:
            yield Experiment(population, agents, coordinators, seconds)
        finally:
            for actor in (*coordinators, *agents, *sandbox_actors):
                ray.kill(actor)


@contextmanager
def connected(address: str | None, n_engines: int = 1) -> Iterator[None]:
    """Be connected to a Ray cluster; one that was started for this purpose ends with it and has room for `n_engines`.

    Raises:
        EngineError: no cluster answers.
    """
    ours = not ray.is_initialized() and address is None
    _connect(address, n_engines)
    try:
        yield
    finally:
        if ours:
            ray.shutdown()


def _connect(address: str | None, n_engines: int) -> None:
    if ray.is_initialized():
        return
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    # What raylets say of themselves (worker counts, restarted actors) would tear the progress bar apart; it stays in
    # Ray's session logs. This is RAY_DEDUP_LOGS_SKIP_REGEX, which Ray reads only while it is imported.
    stdout_deduplicator.skip_re = re.compile(RAY_CHATTER)
    try:
        if address is None:
            with _environment_of_workers():
                ray.init(
                    address="local",  # also where RAY_ADDRESS or another Ray's address file is about
                    # Logical CPUs: an engine replica books CPUS_PER_ENGINE, and the rest must not wait for it.
                    num_cpus=(os.cpu_count() or 1) + CPUS_PER_ENGINE * n_engines,
                    include_dashboard=False,
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                )
        else:
            _require_listening(address)
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        hint = "Check --address (auto, or ray://HEAD:10001) and that the cluster is up"
        raise EngineError(f"cannot reach Ray: {reason}", address or "local", hint) from error


@contextmanager
def _environment_of_workers() -> Iterator[None]:
    """Set what a Ray that is started meanwhile hands down to its workers.

    As a runtime environment the same would start every worker's Python twice.
    """
    # Workers find the four packages by the folder that holds them, wherever the command was typed.
    root = str(configs_dir().parent)
    wanted = {
        "PYTHONPATH": os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part),
        # Serve kills a proxy that takes longer to start than 5 s, which on a busy machine each one does.
        PROXY_PATIENCE: os.environ.get(PROXY_PATIENCE, "60"),
    } | {name: os.environ.get(name, value) for name, value in QUIET.items()}
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


def _require_listening(address: str) -> None:
    """Check that somebody listens at `host:port`; Ray itself would try for minutes.

    Raises:
        OSError: nobody does.
    """
    host, _, port = address.removeprefix("ray://").partition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()


def _create_coordinators(
    run_dir: Path, population: Population, profiles: Sequence[Profile], placement: Placement
) -> list[ActorHandle[Any]]:
    # The run folder is on the driver's node, so that is where the logs are written.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    remote = ray.remote(num_cpus=0, max_restarts=10, max_task_retries=10, scheduling_strategy=here)(Coordinator)
    coalesce = min(getattr(profile, "coalesce", POLICY_COALESCE) for profile in profiles)
    return [
        remote.remote(run_dir, population, placement.failure_policy, coalesce, placement.cells_at_once)
        for _ in range(placement.coordinators)
    ]


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    seconds[part] = time.monotonic() - start
