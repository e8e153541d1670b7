"""Everyone's neighbours as two arrays, made from a kind of network, the number of agents and a seed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.errors import UsageError
from atp_ray.networks.kinds import (
    BarabasiAlbert,
    Complete,
    EdgeList,
    Lattice,
    NetworkKind,
    Ring,
    StochasticBlock,
    WattsStrogatz,
    require_fits,
)

IndexArray = npt.NDArray[np.int64]
NETWORKX_UP_TO = 10_000  # agents: beyond, a graph of Python objects takes gigabytes and minutes


class Neighbours(NamedTuple):
    """The neighbours of seat i are `indices[indptr[i] : indptr[i + 1]]`, ascending; every link is there both ways.

    `indptr` is int64 [A + 1], `indices` int32 [2 L].
    """

    indptr: IndexArray
    indices: npt.NDArray[np.int32]

    @property
    def n_agents(self) -> int:
        """How many seats there are."""
        return len(self.indptr) - 1

    @property
    def degree_A(self) -> IndexArray:
        """How many neighbours each seat has."""
        return np.diff(self.indptr)

    def of(self, seat: int) -> npt.NDArray[np.int32]:
        """Return the neighbours of one seat."""
        return self.indices[self.indptr[seat] : self.indptr[seat + 1]]

    def sums(self, value_A: npt.NDArray[np.integer | np.bool_]) -> IndexArray:
        """Return for each seat the sum of a whole number over its neighbours, [A]."""
        # The sparse matrix product of networks whose links all weigh 1: differences of one running sum.
        running = np.concatenate([[0], np.cumsum(value_A[self.indices], dtype=np.int64)])
        sum_A: IndexArray = running[self.indptr[1:]] - running[self.indptr[:-1]]
        return sum_A


def neighbours(network: NetworkKind, n_agents: int, seed: int) -> Neighbours | None:
    """Return everyone's neighbours, the same for the same arguments; None where everyone is everyone's.

    Args:
        seed: of networks that are drawn at random.

    Raises:
        UsageError: so many agents cannot form this network.
    """
    require_fits(network, n_agents)
    if isinstance(network, Complete):
        return None
    # Imported here: who plays without a network pays for none.
    from atp_ray.networks import by_arrays, by_networkx

    match network:
        case Ring(k=k):
            pairs = by_arrays.ring(n_agents, k)
        case Lattice():
            pairs = by_arrays.lattice(network.shape(n_agents), network.k, network.periodic)
        case EdgeList(links=links):
            pairs = np.array(links, dtype=np.int64)
        case WattsStrogatz() | BarabasiAlbert() | StochasticBlock():
            ways = by_networkx if n_agents <= NETWORKX_UP_TO else by_arrays
            pairs = ways.drawn(network, n_agents, seed)
        case _:
            raise TypeError(f"no way to make {network}")
    return from_pairs(pairs, n_agents)


def from_pairs(pairs_L2: IndexArray, n_agents: int) -> Neighbours:
    """Return the neighbours that links [L, 2] make; a link given twice, or both ways, is one."""
    one_L, other_L = pairs_L2.astype(np.int64).T
    both = np.unique(np.concatenate([one_L * n_agents + other_L, other_L * n_agents + one_L]))
    owner, neighbour = np.divmod(both, n_agents)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n_agents))])
    return Neighbours(indptr, neighbour.astype(np.int32))


def require_partners(found: Neighbours | None, where: str) -> None:
    """Refuse a network in which somebody has nobody to meet.

    Raises:
        UsageError: names the first such seat.
    """
    if found is None or found.degree_A.all():
        return
    alone = np.flatnonzero(found.degree_A == 0)
    reason = f"seat {alone[0]} has no neighbours" + (f", nor have {len(alone) - 1} others" if len(alone) > 1 else "")
    raise UsageError(reason, where, "Everyone needs one to meet: give the network more links")
