"""Ray Serve LLM's prefix-aware router: a request goes to the replica that has most of its beginning in its cache."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import ray

# The router's public name imports vLLM, into the gateway of every node; this one does not. `imbalanced_threshold` is by
# how many calls a replica may be busier than another before load decides: without it all requests that share a tenth
# of their text, which all games do, go to one replica.
PREFIX_ROUTING: dict[str, Any] = {
    "request_router_class": (
        "ray.llm._internal.serve.routing_policies.prefix_aware.prefix_aware_router.PrefixCacheAffinityRouter"
    ),
    "request_router_kwargs": {"imbalanced_threshold": 16, "do_eviction": True},
}
_TREE = "LlmPrefixTreeActor"


def forget_prefixes(application: str, deployment: str) -> None:
    """End the actor in which the router keeps what the replicas of a deployment have read.

    It is detached and outlives its application. Where the application starts again, it would send requests to replicas
    that are gone.
    """
    with suppress(ValueError):  # there is none
        ray.kill(ray.get_actor(_TREE, namespace=f"serve::{application}::{deployment}"))
