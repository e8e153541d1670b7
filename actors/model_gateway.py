"""A node's way to the served models: one process that knows Ray Serve, instead of every agent.

Serve costs each process that imports it two seconds of CPU and the memory of a web server; agents are many.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.coalescer import Coalescer
from actors.model_clients import Deployment, ServeClient, lost_replies
from actors.named_actors import launch_named
from atp_ray.model_calls import ModelReply, ReplyRequest

CALLS_AT_ONCE = 100_000  # the engine decides how many it decodes together; here they only wait


class ModelGateway:
    """Asks Ray Serve on behalf of the agents of its node."""

    def __init__(self) -> None:
        self._clients: dict[Deployment, ServeClient] = {}

    async def ready(self) -> bool:
        """Return once Ray Serve is imported."""
        await asyncio.to_thread(ServeClient.prepare)
        return True

    async def reply(self, deployment: Deployment, requests: Sequence[ReplyRequest]) -> list[ModelReply]:
        """Return the deployment's replies, in the order of the requests."""
        if deployment not in self._clients:
            self._clients[deployment] = ServeClient(deployment)
        client = self._clients[deployment]
        return list(await asyncio.gather(*(client.reply(request) for request in requests)))


class GatewayClient:
    """An agent's line to a served model, through the gateway of its node.

    Args:
        gateways: names of the gateway actors, by node.
    """

    def __init__(self, deployment: Deployment, gateways: Mapping[str, str]) -> None:
        self._deployment = deployment
        self._gateways = gateways
        self._gateway: ActorHandle[Any] | None = None
        self._calls: Coalescer[ReplyRequest, ModelReply] = Coalescer(self._send, deployment.coalesce)

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the engine's reply to one request."""
        return await self._calls.ask(request)

    async def _send(self, requests: Sequence[ReplyRequest]) -> Sequence[ModelReply]:
        try:
            if self._gateway is None:
                self._gateway = ray.get_actor(self._nearest())
            replies: list[ModelReply] = await self._gateway.reply.remote(self._deployment, list(requests))
        except (ray.exceptions.RayError, ValueError) as error:
            return lost_replies(error, len(requests))
        return replies

    def _nearest(self) -> str:
        here = ray.get_runtime_context().get_node_id()
        # A node that joined later has none of its own.
        names = sorted(self._gateways.values())
        return self._gateways.get(here) or names[zlib.crc32(here.encode()) % len(names)]


def launch_gateways() -> tuple[dict[str, str], list[ActorHandle[Any]]]:
    """Start one gateway on each node, without waiting; returns their names by node, and the handles they live by."""
    names: dict[str, str] = {}
    actors: list[ActorHandle[Any]] = []
    for node in ray.nodes():
        if node["Alive"]:
            here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=True)
            (name,), (actor,) = launch_named(
                ModelGateway, "gateway", 1, scheduling_strategy=here, max_concurrency=CALLS_AT_ONCE
            )
            names[node["NodeID"]] = name
            actors.append(actor)
    return names, actors
