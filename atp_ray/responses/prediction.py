"""Does a committed minority flip a population? The probability with its interval, from fitted responders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.responses.features import Array
from atp_ray.responses.population import play_pairs
from atp_ray.responses.response import Response

LEVEL = 0.95
BETA_DRAWS = 200  # of each bootstrap sample's flip probability, for the interval


class FlipChance(NamedTuple):
    """The probability that a population with `committed` agents flips.

    The interval is at 95 % and covers both the response (bootstrap over runs) and the number of populations played.
    `mean_interactions` is how many were played until it had flipped for good, all of them where it did not.
    """

    committed: int
    p_flip: float
    ci_low: float
    ci_high: float
    mean_interactions: float


def predict_flips(
    response: Response,
    committed: Sequence[int],
    n_agents: int,
    start: int,
    to: int,
    n_interactions: int,
    n_runs: int,
    seed: int,
    on_draw: Callable[[int, int], None] = lambda done, total: None,
) -> list[FlipChance]:
    """Play `n_runs` populations for each number of committed agents and each bootstrap sample of the response.

    Args:
        on_draw: told after each bootstrap sample how many of how many are done.
    """
    chances_BUK = response.drawn_chances()
    codes = response.codes
    generator = np.random.default_rng(seed)
    lanes = np.repeat(np.asarray(committed, dtype=np.int64), n_runs)
    flipped, after = [], []
    for done, chances_UK in enumerate(chances_BUK, start=1):
        flips = play_pairs(chances_UK, codes, lanes, n_agents, start, to, n_interactions, generator)
        flipped.append(flips.flipped_L.reshape(len(committed), n_runs).sum(axis=1))
        after.append(flips.after_L.reshape(len(committed), n_runs).mean(axis=1))
        on_draw(done, len(chances_BUK))
    flips_BC, after_BC = np.array(flipped), np.array(after)
    low_C, high_C = _interval(flips_BC, n_runs, generator)
    return [
        FlipChance(int(count), *(float(column[index]) for column in columns))
        for index, count in enumerate(committed)
        for columns in [(flips_BC.mean(axis=0) / n_runs, low_C, high_C, after_BC.mean(axis=0))]
    ]


def _interval(flips_BC: Array, n_runs: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Return the ends of the mixture of the Jeffreys posteriors of all bootstrap samples."""
    shape = (BETA_DRAWS, *flips_BC.shape)
    drawn = generator.beta(flips_BC + 0.5, n_runs - flips_BC + 0.5, size=shape).reshape(-1, flips_BC.shape[1])
    low_C, high_C = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    # Where every population did the same, the end of the scale belongs to the interval.
    low_C[flips_BC.sum(axis=0) == 0] = 0.0
    high_C[flips_BC.sum(axis=0) == n_runs * len(flips_BC)] = 1.0
    return low_C, high_C
