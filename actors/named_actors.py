"""Actors that others find by name: started together, spread over the nodes, restarted by Ray when they die."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import ray
from ray.actor import ActorHandle

MAX_RESTARTS = 100
CALLS_AT_ONCE = 1_000_000  # of actors in which calls only wait: the engine lets in as many as it decodes at once


def start_named(
    actor_class: type[Any], prefix: str, count: int, *arguments: Any, timeout_s: float
) -> tuple[tuple[str, ...], list[ActorHandle[Any]]]:
    """Start `count` actors as `launch_named` does, and wait until each answers `ready`.

    Raises:
        RayError: they do not come up in time, or one raised.
    """
    names, actors = launch_named(actor_class, prefix, count, *arguments)
    await_ready(actors, timeout_s)
    return names, actors


def launch_named(
    actor_class: type[Any], prefix: str, count: int, *arguments: Any, **options: Any
) -> tuple[tuple[str, ...], list[ActorHandle[Any]]]:
    """Start `count` actors without waiting for them; they live as long as the returned handles.

    A call to an actor that dies is sent again once Ray has restarted it.

    Args:
        options: of Ray's actors, beside or instead of those every actor here has.
    """
    # They mostly wait for others: booking CPUs would take them from the engine.
    usual: dict[str, Any] = {
        "num_cpus": 0,
        "max_restarts": MAX_RESTARTS,
        "max_task_retries": MAX_RESTARTS,
        "scheduling_strategy": "SPREAD",
    }
    remote = ray.remote(**(usual | options))(actor_class)
    token = secrets.token_hex(4)
    names = tuple(f"{prefix}-{token}-{index}" for index in range(count))
    return names, [remote.options(name=name).remote(*arguments) for name in names]


def await_ready(actors: Sequence[ActorHandle[Any]], timeout_s: float) -> None:
    """Wait until each actor answers `ready`.

    Raises:
        RayError: they do not come up in time, or one raised.
    """
    ray.get([actor.ready.remote() for actor in actors], timeout=timeout_s)
