"""Start the simulation service on Ray Serve: the host actor, and the API in front of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ray
from fastapi import FastAPI
from ray import serve
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.failure_policy import FailurePolicy
from actors.population import Population
from actors.simulation_host import SimulationHost
from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import AtpError
from atp_ray.live.creation import Offer
from serve_deployments.simulation_api.access import Access
from serve_deployments.simulation_api.app import build_app
from serve_deployments.simulation_api.service import Service

APP_NAME = "simulations"


class HostLimits(NamedTuple):
    """How many simulations play at once, the minimum time between two rounds of one, and how many there may be."""

    most_running: int = 16
    pace_s: float = 0.0
    most: int = 1000
    tools: bool = True


def start_host(
    folder: Path,
    population: Population,
    profiles: Sequence[Profile],
    limits: HostLimits,
    webhooks: Mapping[str, str],
) -> tuple[str, ActorHandle[Any]]:
    """Start the actor that plays the simulations in `folder`, and go on with what was running.

    Returns its name, by which the API finds it, and the handle by which it lives.

    Args:
        webhooks: addresses that monitors may notify, by name.

    Raises:
        StorageError: the folder cannot be read or written.
    """
    # The logs are on this node's disk.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    remote = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=3, scheduling_strategy=here)(SimulationHost)
    by_name = {profile.name: profile for profile in profiles}
    name = f"simulations-{secrets.token_hex(4)}"
    host = remote.options(name=name, max_concurrency=10_000).remote(
        folder.resolve(), population, by_name, FailurePolicy(), webhooks, **limits._asdict()
    )
    try:
        ray.get(host.ready.remote())
    except ray.exceptions.RayActorError as error:
        if isinstance(cause := error.__cause__, AtpError):
            raise cause from error
        raise
    return name, host


def deploy_api(host_name: str, offer: Offer, access: Access) -> None:
    """Put the API on Ray Serve's HTTP port, which must be open, on this node: its URL is of this node.

    Args:
        host_name: of the actor that plays the simulations.
    """
    # The API's replicas belong to the job that started Ray Serve, and that may be another command's.
    namespace = ray.get_runtime_context().namespace
    here = f"node:{ray.util.get_node_ip_address()}"

    def build() -> FastAPI:
        return build_app(Service(host_name, namespace, offer), access)

    deployment = serve.deployment(
        serve.ingress(build)(), name="SimulationApi", num_replicas=1, max_ongoing_requests=5000,
        ray_actor_options={"num_cpus": 0, "resources": {here: 0.001}},
    )  # fmt: skip
    serve.run(deployment.bind(), name=APP_NAME, route_prefix="/")
