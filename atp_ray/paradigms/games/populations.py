"""Many games of one kind of responder in arrays, seat by seat: fixed seats, networks, seats that see less than all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.networks.neighbours import Neighbours
from atp_ray.paradigms.games.chain import NOBODY, Fixed
from atp_ray.paradigms.games.quantal import FloatArray, GameResponse
from atp_ray.paradigms.games.scenarios import GameNumbers

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


class Seen(NamedTuple):
    """What free seats do not see: of the first `shielded` ones the fixed colluders are hidden, the next `blind` ones
    see nothing of the rounds before."""

    shielded: int = 0
    blind: int = 0


EVERYTHING = Seen()


def play_games(
    response: GameResponse,
    numbers: GameNumbers,
    rounds: int,
    n_games: int,
    generator: np.random.Generator,
    fixed: Fixed = NOBODY,
    seen: Seen = EVERYTHING,
    network: Neighbours | None = None,
) -> FloatArray:
    """Return the share of the free seats that collude, by round and game [R, G].

    Args:
        network: whom each seat sees; where the fixed seats are is then drawn for each game. All see all if not given.
    """
    n, free, colluding = numbers.n_agents, fixed.free(numbers.n_agents), fixed.colluding
    rank_GA = np.broadcast_to(np.arange(n), (n_games, n))
    if network is not None:
        rank_GA = generator.permuted(np.tile(np.arange(n), (n_games, 1)), axis=1)
    colluding_GA, free_GA = rank_GA < colluding, (rank_GA >= colluding) & (rank_GA < colluding + free)
    shielded_GA = free_GA & (rank_GA < colluding + seen.shielded)
    blind_GA = free_GA & (rank_GA >= colluding + seen.shielded)
    blind_GA &= rank_GA < colluding + seen.shielded + seen.blind
    (first,) = response.collude_probability(numbers)
    chance_GA = np.full((n_games, n), first, dtype=np.float32)
    decided_GA = _seen(np.ones((n_games, n), dtype=bool), network)
    hidden_GA = np.where(shielded_GA, _seen(colluding_GA, network), 0) if seen.shielded else 0
    acts_GA, shares = colluding_GA.copy(), []
    for number in range(rounds):
        if number:
            others_GA = _seen(acts_GA, network) - hidden_GA
            success_G = acts_GA.sum(axis=1) >= numbers.threshold
            for success in (False, True):
                here = success_G == success
                if here.any():
                    seen_GA = (others_GA[here], (decided_GA - hidden_GA)[here])
                    chance_GA[here] = _chances(response, numbers, *seen_GA, success)
            chance_GA[blind_GA] = first
        acts_GA = (generator.random((n_games, n), dtype=np.float32) < chance_GA) & free_GA
        shares.append(acts_GA.sum(axis=1) / free)
        acts_GA |= colluding_GA
    return np.array(shares)


def _seen(flag_GA: BoolArray, network: Neighbours | None) -> IntArray:
    """Return how many of those whom each seat sees are flagged, [G, A]."""
    if network is None:
        return np.asarray(flag_GA.sum(axis=1, keepdims=True) - flag_GA)
    return np.stack([network.sums(flag_A) for flag_A in flag_GA])


def _chances(
    response: GameResponse, numbers: GameNumbers, others_GA: IntArray, decided_GA: IntArray, success: bool
) -> FloatArray:
    """Return the probability of colluding [G, A]; each situation is asked for once."""
    width = numbers.n_agents + 1
    cases, where = np.unique(others_GA * width + decided_GA, return_inverse=True)
    others, decided = np.divmod(cases, width)
    chance = response.collude_probability(numbers, others.astype(float), decided.astype(float), success)
    return np.asarray(chance[where.reshape(others_GA.shape)])
