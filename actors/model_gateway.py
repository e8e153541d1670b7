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

from actors.cancelling import Caller, Callers, awaited
from actors.coalescer import Coalescer
from actors.model_clients import TIMEOUT_S, Deployment, ServeClient, lost_replies
from actors.named_actors import CALLS_AT_ONCE, launch_named
from atp_ray.play.model_calls import ModelReply, ReplyRequest


class ModelGateway:
    """Asks Ray Serve on behalf of the agents of its node."""

    def __init__(self) -> None:
        self._clients: dict[tuple[Deployment, float], ServeClient] = {}
        self._callers = Callers()

    async def ready(self) -> bool:
        """Return once Ray Serve is imported."""
        await asyncio.to_thread(ServeClient.prepare)
        return True

    async def reply(
        self, deployment: Deployment, requests: Sequence[ReplyRequest], timeout_s: float, caller: Caller | None
    ) -> list[ModelReply]:
        """Return the deployment's replies, in the order of the requests.

        Args:
            timeout_s: longest time of a request inside the engine, seconds.
            caller: who asks; its requests are cancelled when it dies.
        """
        key = (deployment, timeout_s)
        if key not in self._clients:
            self._clients[key] = ServeClient(deployment, timeout_s)
        client = self._clients[key]
        replies = asyncio.gather(*(client.reply(request) for request in requests))
        return list(await self._callers.work(caller, replies))


class GatewayClient:
    """An agent's line to a served model, through the gateway of its node.

    Args:
        gateways: names of the gateway actors, by node.
        timeout_s: longest time of a request inside the engine, seconds.
    """

    def __init__(self, deployment: Deployment, gateways: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> None:
        self._deployment = deployment
        self._gateways = gateways
        self._timeout_s = timeout_s
        self._handles: dict[str, ActorHandle[Any]] = {}
        self._calls: Coalescer[ReplyRequest, ModelReply] = Coalescer(self._send, deployment.coalesce)

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the engine's reply to one request."""
        return await self._calls.ask(request)

    async def _send(self, requests: Sequence[ReplyRequest]) -> Sequence[ModelReply]:
        lost: Exception = ValueError("no gateway")
        for name in self._by_distance():
            try:
                if name not in self._handles:
                    self._handles[name] = ray.get_actor(name)
                reply = self._handles[name].reply
                replies: list[ModelReply] = await awaited(
                    reply.remote(self._deployment, list(requests), self._timeout_s, Caller.here())
                )
                return replies
            except (ray.exceptions.RayError, ValueError) as error:
                self._handles.pop(name, None)  # it may come back under its name
                lost = error
        return lost_replies(lost, len(requests))

    def _by_distance(self) -> list[str]:
        """Return the gateways' names: that of this node, then others, not the same first for every node."""
        here = ray.get_runtime_context().get_node_id()
        others = sorted(name for node, name in self._gateways.items() if node != here)
        turn = zlib.crc32(here.encode()) % max(1, len(others))
        own = [self._gateways[here]] if here in self._gateways else []
        return [*own, *others[turn:], *others[:turn]]


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
