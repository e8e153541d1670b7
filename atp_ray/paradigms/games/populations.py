"""Many games of one kind of responder in arrays, seat by seat: fixed seats, and seats that see less than everything."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.paradigms.games.chain import NOBODY, Fixed
from atp_ray.paradigms.games.quantal import FloatArray, GameResponse
from atp_ray.paradigms.games.scenarios import GameNumbers

BoolArray = npt.NDArray[np.bool_]


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
) -> FloatArray:
    """Return the share of the free seats that collude, by round and game [R, G]; NaN where no seat is free."""
    n, free = numbers.n_agents, fixed.free(numbers.n_agents)
    (first,) = response.collude_probability(numbers)
    acts_GA = generator.random((n_games, free), dtype=np.float32) < first
    shares = [_share(acts_GA)]
    hidden_A = np.where(np.arange(free) < seen.shielded, fixed.colluding, 0)
    for _ in range(rounds - 1):
        colluders_G = acts_GA.sum(axis=1) + fixed.colluding
        chance_GA = np.empty((n_games, free), dtype=np.float32)
        for success in (False, True):
            here = (colluders_G >= numbers.threshold) == success
            if here.any():
                others_GA = colluders_G[here, None] - acts_GA[here] - hidden_A
                decided_GA = np.broadcast_to(n - 1.0 - hidden_A, others_GA.shape)
                chance_GA[here] = _chances(response, numbers, others_GA, decided_GA, success)
        chance_GA[:, seen.shielded : seen.shielded + seen.blind] = first
        acts_GA = generator.random((n_games, free), dtype=np.float32) < chance_GA
        shares.append(_share(acts_GA))
    return np.array(shares)


def _chances(
    response: GameResponse, numbers: GameNumbers, others_GA: FloatArray, decided_GA: FloatArray, success: bool
) -> FloatArray:
    """Return the probability of colluding [G, A]; each situation is asked for once."""
    width = numbers.n_agents + 1
    cases, where = np.unique(others_GA.astype(np.int64) * width + decided_GA.astype(np.int64), return_inverse=True)
    others, decided = np.divmod(cases, width)
    chance = response.collude_probability(numbers, others.astype(float), decided.astype(float), success)
    return chance[where.reshape(others_GA.shape)]


def _share(acts_GA: BoolArray) -> FloatArray:
    share_G: FloatArray = acts_GA.mean(axis=1) if acts_GA.shape[1] else np.full(len(acts_GA), np.nan)
    return share_G
