"""One live experiment: a Ray cluster, the models it needs, the population and the coordinators."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator
from actors.failure_policy import FailurePolicy
from actors.named_actors import CALLS_AT_ONCE, launch_named
from actors.population import Population, create_population
from actors.sandboxes import create_sandboxes
from atp_ray.checkpoint.profiles import ModelProfile, Profile
from atp_ray.costs.budget import Budget
from atp_ray.sandbox.isolation import Isolation
from serve_deployments.engine_groups import engine_count
from serve_deployments.engine_plans import Planning
from serve_deployments.lease import leased
from serve_deployments.model_app import await_models, start_models
from tune_sweeps.connection import connected
from tune_sweeps.engine_capacity import engine_capacity

POLICY_COALESCE = 256


@dataclass(frozen=True)
class Placement:
    """How an experiment is spread.

    `address` is that of a running cluster, as `find_cluster` returns it, or None for a Ray of its own.
    `agents_per_actor` None is one actor per agent, packed only beyond what the cluster holds. `cells_at_once` None lets
    what the engines decode at once decide how many cells play together. `sandbox` is how tool calls are isolated, where
    there are any. `keep` leaves the engines on a shared cluster. `planning` is what the plan of the engines depends on,
    `budget` what the run may take.
    """

    address: str | None = None
    agents_per_actor: int | None = None
    coordinators: int = 1
    cells_at_once: int | None = None
    failure_policy: FailurePolicy = field(default_factory=FailurePolicy)
    sandbox: Isolation = "bubblewrap"
    keep: bool = False
    planning: Planning = field(default_factory=Planning)
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True)
class Experiment:
    """Handles of what is running, how long each part took to start, in seconds, and the budget with the GPUs held."""

    population: Population
    agents: Sequence[ActorHandle[Any]]
    coordinators: Sequence[ActorHandle[Any]]
    budget: Budget
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
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[Experiment]:
    """Start everything an experiment needs, and end it again.

    Args:
        tools: whether agents run code, in a sandbox on each node.
        on_part: told what is being started, each time it changes.
        meanwhile: called while engines load, if there are any: this process only waits for those seconds.

    Raises:
        EngineError: the cluster cannot be reached, or an engine or the actors do not start.
        UsageError: the GPUs cannot hold the checkpoints.
    """
    seconds: dict[str, float] = {}
    start = time.monotonic()
    models = [profile for profile in profiles if isinstance(profile, ModelProfile)]
    on_part("Ray")
    shared = placement.address is not None
    with (
        connected(placement.address, n_engines=engine_count(models)),
        leased(shared, placement.keep) as lease,
    ):
        seconds["ray"] = time.monotonic() - start
        start = time.monotonic()
        # Engines start while agents, sandboxes and coordinators do.
        served = start_models(models, lease, placement.planning)
        budget = replace(placement.budget, gpus=served.gpus, gpus_since=time.time())
        on_part(f"{n_agents} agents" + (" and the engine" if models else ""))
        sandboxes: tuple[str, ...] = ()
        sandbox_actors: list[ActorHandle[Any]] = []
        if tools:
            with _timed(seconds, "sandbox"):
                sandboxes, sandbox_actors = create_sandboxes(placement.sandbox, len(ray.nodes()))
        with _timed(seconds, "agents"):
            timeout_s = placement.failure_policy.turn_timeout_s
            players = [PlayerSpec(profile, served.deployments.get(profile.name), timeout_s) for profile in profiles]
            population, agents = create_population(n_agents, players, placement.agents_per_actor, sandboxes)
            coordinators = _create_coordinators(run_dir, population, profiles, served.replicas, placement, budget)
        if models:
            meanwhile()
            await_models(served, on_part)
            seconds["engine"] = time.monotonic() - start
        try:
            yield Experiment(population, agents, coordinators, budget, seconds)
        finally:
            for actor in (*coordinators, *agents, *sandbox_actors):
                ray.kill(actor)


def _create_coordinators(
    run_dir: Path,
    population: Population,
    profiles: Sequence[Profile],
    replicas: Mapping[str, int],
    placement: Placement,
    budget: Budget,
) -> list[ActorHandle[Any]]:
    # The run folder is on the driver's node, so that is where the logs are written.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    coalesce = min(getattr(profile, "coalesce", POLICY_COALESCE) for profile in profiles)
    capacity = engine_capacity(profiles, replicas, len(population.names), placement.coordinators)
    _, coordinators = launch_named(
        Coordinator, "coordinator", placement.coordinators,
        run_dir.absolute(), population, placement.failure_policy, coalesce, placement.cells_at_once, capacity,
        budget,
        max_restarts=10, max_task_retries=10, max_concurrency=CALLS_AT_ONCE, scheduling_strategy=here,
    )  # fmt: skip
    return coordinators


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    seconds[part] = time.monotonic() - start
