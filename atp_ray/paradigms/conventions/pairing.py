"""Who meets whom: random pairs by seed, one in each round or as many as there can be."""

from __future__ import annotations

import numpy as np

from atp_ray.networks.neighbours import Neighbours
from atp_ray.paradigms.conventions.scenarios import Pairing, naming_of
from atp_ray.play.decisions import IntArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.randomness import derive_seed

NOBODY = -1


def partners_of(spec: EpisodeSpec, round_number: int) -> IntArray:
    """Return whom each seat meets in a round, [A], `NOBODY` for those who meet nobody; the same for the same seed.

    Episodes of one seed and size have the same pairs, whoever plays them, so that they can be compared pair by pair.
    """
    numbers = naming_of(spec).numbers
    key = derive_seed("pairs", spec.seed, round_number, bits=63)
    generator = np.random.Generator(np.random.Philox(key=key))
    return draw_partners(generator, numbers.n_agents, numbers.pairing, spec.neighbours)


def draw_partners(
    generator: np.random.Generator,
    n_agents: int,
    pairing: Pairing,
    neighbours: Neighbours | None = None,
) -> IntArray:
    """Draw random pairs.

    Args:
        pairing: one pair, or as many as there can be (of an odd number one seat sits out).
        neighbours: whom each seat may meet; None for everyone. A network may leave more seats without a partner.
    """
    partner_A = np.full(n_agents, NOBODY, dtype=np.int64)
    if pairing == "asynchronous":
        one = int(generator.integers(n_agents))
        if neighbours is None:
            two = (one + int(generator.integers(1, n_agents))) % n_agents
        elif len(near := neighbours.of(one)):
            two = int(near[int(generator.integers(len(near)))])
        else:
            return partner_A
        partner_A[[one, two]] = two, one
        return partner_A
    order = generator.permutation(n_agents)
    if neighbours is None:
        half = n_agents // 2
        partner_A[order[:half]], partner_A[order[half : 2 * half]] = order[half : 2 * half], order[:half]
        return partner_A
    for one in order.tolist():
        near = neighbours.of(one)
        free = near[partner_A[near] == NOBODY]
        if partner_A[one] == NOBODY and len(free):
            two = int(free[int(generator.integers(len(free)))])
            partner_A[[one, two]] = two, one
    return partner_A
