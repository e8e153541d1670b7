"""The population: which actor hosts which seat, made once and reused by every episode of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import ray
from ray.actor import ActorHandle

from actors.agent import AgentActor, PlayerSpec
from actors.model_gateway import launch_gateways
from actors.named_actors import CALLS_AT_ONCE, await_ready, launch_named
from actors.tokens import driver_tokens
from atp_ray.checkpoint.profiles import EndpointProfile
from atp_ray.errors import EngineError

ACTORS_PER_CPU = 4
LEAST_ACTORS = 16


class Hosting(NamedTuple):
    """A share of an episode's seats and the actor that hosts them."""

    host: int
    seats: tuple[int, ...]


class Population(NamedTuple):
    """Agent actors for up to `len(names) * agents_per_actor` seats, by name, so that it pickles as plain data.

    The same actors serve every episode; a seat is always hosted by the same one. A dead actor is restarted by Ray and
    its memory rebuilt from the log when it is next asked.
    """

    names: tuple[str, ...]
    agents_per_actor: int

    def actors(self) -> list[ActorHandle[Any]]:
        """Return the actors' handles, in the order of hosts."""
        return [ray.get_actor(name) for name in self.names]

    def hostings(self, n_agents: int, first_agent: int = 0) -> list[Hosting]:
        """Return how the seats 0..n_agents-1 are shared out.

        Args:
            first_agent: which agent takes seat 0 of an episode that has no other; every prompt has its own agent.
        """
        size = self.agents_per_actor
        if n_agents == 1:
            return [Hosting(first_agent // size % len(self.names), (0,))]
        return [
            Hosting(host, tuple(range(start, min(start + size, n_agents))))
            for host, start in enumerate(range(0, n_agents, size))
        ]


def default_agents_per_actor(n_agents: int, cluster_cpus: float) -> int:
    """Return 1 (one actor per agent) as long as the cluster holds that many processes, else the least packing."""
    most_actors = max(LEAST_ACTORS, int(cluster_cpus) * ACTORS_PER_CPU)
    return math.ceil(n_agents / most_actors)


def create_population(
    n_agents: int,
    players: Sequence[PlayerSpec],
    agents_per_actor: int | None = None,
    sandboxes: Sequence[str] = (),
    start_timeout_s: float = 300,
) -> tuple[Population, list[ActorHandle[Any]]]:
    """Start the agent actors, spread over the cluster's nodes, and wait until they are up.

    The actors live as long as the handles returned beside the population: those of the agents, in the order of hosts,
    then those of the gateways to served models.

    Args:
        agents_per_actor: None packs only beyond what the cluster holds.
        sandboxes: names of the sandbox actors, where problems are to be solved.

    Raises:
        EngineError: the actors do not come up in time.
    """
    size = agents_per_actor or default_agents_per_actor(n_agents, ray.cluster_resources().get("CPU", 1))
    count = math.ceil(n_agents / size)
    tokens = driver_tokens(s.profile.api_key_env for s in players if isinstance(s.profile, EndpointProfile))
    gateways: dict[str, str] = {}
    ours: list[ActorHandle[Any]] = []
    if any(player.deployment is not None for player in players):
        gateways, ours = launch_gateways()
    names, actors = launch_named(
        AgentActor, "agents", count, tuple(players), tuple(sandboxes), gateways, tokens, max_concurrency=CALLS_AT_ONCE
    )
    try:
        await_ready([*actors, *ours], start_timeout_s)
    except ray.exceptions.RayError as error:
        hint = "Pack more agents per actor (--agents-per-actor) or add memory or nodes"
        raise EngineError(f"{count} agent actors did not start", hint=hint) from error
    return Population(names, size), [*actors, *ours]
