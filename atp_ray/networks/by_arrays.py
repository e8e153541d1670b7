"""Networks made by array operations: the regular ones at any size, random ones beyond what networkx can hold.

The random ones are drawn by the rules of networkx, but not from its stream: a seed gives another network.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atp_ray.networks.kinds import BarabasiAlbert, StochasticBlock, WattsStrogatz

Pairs = npt.NDArray[np.int64]


def ring(n_agents: int, k: int) -> Pairs:
    """Return the links [n k / 2, 2] of a circle in which each seat is linked to the k nearest."""
    seat_A = np.arange(n_agents)
    return np.concatenate([np.stack([seat_A, (seat_A + step) % n_agents], axis=1) for step in range(1, k // 2 + 1)])


def lattice(shape: tuple[int, int], k: int, periodic: bool) -> Pairs:
    """Return the links [L, 2] of a grid of rows and columns, in which row after row is seated."""
    seat_RC = np.arange(shape[0] * shape[1]).reshape(shape)
    steps = [(0, 1), (1, 0)] if k == 4 else [(0, 1), (1, 0), (1, 1), (1, -1)]
    found = []
    for down, right in steps:
        linked_RC = np.roll(seat_RC, (-down, -right), axis=(0, 1))
        inside_RC = np.ones(shape, dtype=bool)
        if not periodic:
            inside_RC[shape[0] - down :] = False
            inside_RC[:, : max(0, -right)] = False
            inside_RC[:, shape[1] - max(0, right) :] = False
        found.append(np.stack([seat_RC[inside_RC], linked_RC[inside_RC]], axis=1))
    pairs: Pairs = np.concatenate(found)
    apart: Pairs = pairs[pairs[:, 0] != pairs[:, 1]]  # a single row or column would be linked to itself
    return apart


def drawn(network: WattsStrogatz | BarabasiAlbert | StochasticBlock, n_agents: int, seed: int) -> Pairs:
    """Return the links [L, 2] of a random network."""
    generator = np.random.default_rng(seed)
    match network:
        case WattsStrogatz():
            return _small_world(n_agents, network.k, network.p, generator)
        case BarabasiAlbert():
            return _preferential(n_agents, network.m, generator)
        case StochasticBlock():
            return _blocks(network.sizes(n_agents), network.p_in, network.p_out, generator)


def _small_world(n: int, k: int, p: float, generator: np.random.Generator) -> Pairs:
    one_L, other_L = ring(n, k).T
    moved = np.flatnonzero(generator.random(len(one_L)) < p)
    while len(moved):
        other_L[moved] = generator.integers(n, size=len(moved))
        key_L = _keys(one_L, other_L, n)
        order = np.argsort(key_L, kind="stable")
        twice_L = np.zeros(len(key_L), dtype=bool)
        twice_L[order[1:]] = key_L[order[1:]] == key_L[order[:-1]]
        # Of two equal links the moved one moves on; an unmoved one may be the later of the two.
        clash = np.isin(key_L[moved], key_L[twice_L]) | (one_L[moved] == other_L[moved])
        moved = moved[clash]
    return np.stack([one_L, other_L], axis=1)


def _preferential(n: int, m: int, generator: np.random.Generator) -> Pairs:
    """Every seat after a star of m + 1 seats is linked to the ends of m earlier links drawn at random.

    An end drawn is a seat, or in turn an end that was drawn (Batagelj and Brandes, doi:10.1103/PhysRevE.71.036113), so
    that all are drawn at once and looked up afterwards.
    """
    star = np.stack([np.zeros(m, dtype=np.int64), np.arange(1, m + 1)], axis=1).ravel()
    bringer_L = np.repeat(np.arange(m + 1, n), m)
    known = 2 * (m + (bringer_L - m - 1) * m)  # ends before the bringer's own links: of the star and of earlier seats
    drawn_L = generator.integers(known)
    while True:
        end_L = _looked_up(drawn_L, star, bringer_L)
        chosen = np.sort(end_L.reshape(-1, m), axis=1)
        again = (chosen[:, 1:] == chosen[:, :-1]).any(axis=1)
        if not again.any():
            return np.concatenate([star.reshape(-1, 2), np.stack([bringer_L, end_L], axis=1)])
        anew = np.repeat(again, m)
        drawn_L[anew] = generator.integers(known[anew])


def _looked_up(drawn_L: Pairs, star: Pairs, bringer_L: Pairs) -> Pairs:
    """Return the seat at each end drawn; ends alternate between the seat that brought a link and the one it drew."""
    first = len(star)
    at_L = drawn_L.copy()
    copies = np.flatnonzero(_is_copy(at_L, first))
    while len(copies):
        at_L[copies] = drawn_L[(at_L[copies] - first) // 2]
        copies = copies[_is_copy(at_L[copies], first)]
    return np.where(at_L < first, star[np.minimum(at_L, first - 1)], bringer_L[np.maximum(at_L - first, 0) // 2])


def _is_copy(end: Pairs, first: int) -> npt.NDArray[np.bool_]:
    copy: npt.NDArray[np.bool_] = (end >= first) & ((end - first) % 2 == 1)
    return copy


def _blocks(sizes: list[int], p_in: float, p_out: float, generator: np.random.Generator) -> Pairs:
    starts = np.cumsum([0, *sizes])
    anywhere = _pairs_below(int(starts[-1]), p_out, generator)
    block = np.searchsorted(starts, anywhere, side="right")
    found = [anywhere[block[:, 0] != block[:, 1]]]
    found += [start + _pairs_below(size, p_in, generator) for start, size in zip(starts, sizes, strict=False)]
    return np.concatenate(found)


def _pairs_below(n: int, chance: float, generator: np.random.Generator) -> Pairs:
    """Return pairs [L, 2] of different whole numbers below n, each of the pairs there are with the same probability."""
    possible = n * (n - 1) // 2
    code = _distinct(possible, int(generator.binomial(possible, chance)), generator)
    return np.stack(_triangle(code), axis=1)


def _triangle(code: Pairs) -> tuple[Pairs, Pairs]:
    """Return row and column below the diagonal of the code-th entry, row after row."""
    row = ((1 + np.sqrt(1 + 8 * code.astype(float))) / 2).astype(np.int64)
    row -= row * (row - 1) // 2 > code  # the square root of a large number may round up
    row += (row + 1) * row // 2 <= code
    return row, code - row * (row - 1) // 2


def _distinct(possible: int, count: int, generator: np.random.Generator) -> Pairs:
    """Return `count` different whole numbers below `possible`, any set of them as likely as another."""
    if 4 * count > possible:
        return generator.choice(possible, count, replace=False)
    found = np.zeros(0, dtype=np.int64)
    while len(found) < count:
        # Shuffled as they were drawn: the smallest would be no random choice.
        every = np.concatenate([found, generator.integers(possible, size=count - len(found))])
        _, first = np.unique(every, return_index=True)
        found = every[np.sort(first)]
    return found


def _keys(one: Pairs, other: Pairs, n: int) -> Pairs:
    keys: Pairs = np.minimum(one, other) * n + np.maximum(one, other)
    return keys
