"""Actors that others find by name: started together, spread over the nodes, restarted by Ray when they die."""

from __future__ import annotations

import secrets
from typing import Any

import ray
from ray.actor import ActorHandle

MAX_RESTARTS = 100


def start_named(
    actor_class: type[Any], prefix: str, count: int, *arguments: Any, timeout_s: float
) -> tuple[tuple[str, ...], list[ActorHandle[Any]]]:
    """Start `count` actors and wait until each answers `ready`; they live as long as the returned handles.

    A call to an actor that dies is sent again once Ray has restarted it.

    Raises:
        RayError: they do not come up in time, or one raised.
    """
    # They mostly wait for others: booking CPUs would take them from the engine.
    remote = ray.remote(
        num_cpus=0, max_restarts=MAX_RESTARTS, max_task_retries=MAX_RESTARTS, scheduling_strategy="SPREAD"
    )(actor_class)
    token = secrets.token_hex(4)
    names = tuple(f"{prefix}-{token}-{index}" for index in range(count))
    actors = [remote.options(name=name).remote(*arguments) for name in names]
    ray.get([actor.ready.remote() for actor in actors], timeout=timeout_s)
    return names, actors
