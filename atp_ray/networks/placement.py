"""Rules for who sits where: the seats that a group of agents takes in a network."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from atp_ray.errors import UsageError
from atp_ray.networks.neighbours import Neighbours
from atp_ray.play.randomness import derive_seed

PlacementRule = Literal["first", "last", "random", "hubs", "cluster"]


def place(rule: PlacementRule, count: int, found: Neighbours | None, n_agents: int, seed: int) -> tuple[int, ...]:
    """Return `count` of the seats 0..n_agents - 1, ascending, the same for the same arguments.

    Args:
        rule: the `first` or `last` seats, `random` ones, `hubs` (those with the most neighbours, ties at random), or a
            `cluster` (a random seat, its neighbours, theirs, and so on). Where everyone is everyone's neighbour the
            last two are random seats.
        found: the network, None where everyone is everyone's neighbour.

    Raises:
        UsageError: a cluster is to be larger than any connected part of the network.
    """
    if rule == "first":
        return tuple(range(count))
    if rule == "last":
        return tuple(range(n_agents - count, n_agents))
    order_A = np.random.default_rng(derive_seed("placement", rule, seed, bits=63)).permutation(n_agents)
    if found is not None and rule == "hubs":
        order_A = order_A[np.argsort(-found.degree_A[order_A], kind="stable")]
    if found is not None and rule == "cluster":
        order_A = _outwards(order_A, found, count)
    return tuple(np.sort(order_A[:count]).tolist())


def _outwards(order_A: npt.NDArray[np.int64], found: Neighbours, count: int) -> npt.NDArray[np.int64]:
    """Return seats by distance from the first of `order_A` whose connected part is large enough."""
    # Imported here: agents need no graph algorithms.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    ones = np.ones(len(found.indices), dtype=np.int8)
    # Every link is there both ways: no algorithm has to be told that directions do not matter.
    graph = csr_array((ones, found.indices, found.indptr), shape=(found.n_agents, found.n_agents))
    _, part_A = connected_components(graph)
    sizes = np.bincount(part_A)
    if count > sizes.max():
        reason = f"no {count} agents are connected: the largest connected part has {sizes.max()}"
        raise UsageError(reason, "placement cluster", "Place fewer, or give the network more links")
    start = next(seat for seat in order_A.tolist() if sizes[part_A[seat]] >= count)
    outwards: npt.NDArray[np.int64] = breadth_first_order(graph, start, return_predecessors=False)
    return outwards
