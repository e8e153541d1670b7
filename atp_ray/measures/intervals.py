"""Intervals of rates: Wilson where decisions may count as independent, clustered by scenario where seeds repeat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

CONFIDENCE = 0.95


class RateInterval(NamedTuple):
    """A rate with its interval, all in 0..1 and None where nothing was decided; `n` decisions; `method` used."""

    rate: float | None
    low: float | None
    high: float | None
    n: int
    method: str


def wilson_interval(successes: float, n: float, quantile: float | None = None) -> tuple[float, float]:
    """Return the Wilson score interval of `successes` out of `n` trials, at 95 % unless a `quantile` is given.

    Raises:
        ValueError: n is not positive or successes is outside 0..n.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"no interval for {successes} of {n}")
    z = float(ndtri(0.5 + CONFIDENCE / 2)) if quantile is None else quantile
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # The ends are exact where the rate is; rounding must not push them past it.
    return (0.0 if successes == 0 else max(0.0, centre - half)), (1.0 if successes == n else min(1.0, centre + half))


def clustered_interval(successes_C: Sequence[int], n_C: Sequence[int]) -> tuple[float, float]:
    """Return a Wilson interval whose sample size is divided by the design effect of the clusters.

    The design effect is the ratio estimator's cluster-robust variance (G / (G - 1) corrected) over the binomial one,
    never below 1; the quantile is Student's t with G - 1 degrees of freedom.

    Args:
        successes_C: deviant decisions per cluster (game).
        n_C: decisions per cluster.

    Raises:
        ValueError: fewer than two clusters with decisions.
    """
    k = np.array(successes_C, dtype=float)
    n = np.array(n_C, dtype=float)
    k, n = k[n > 0], n[n > 0]
    groups, total = len(n), n.sum()
    if groups < 2:
        raise ValueError("clustering needs at least two games with decisions")
    rate = k.sum() / total
    binomial = rate * (1 - rate) / total
    robust = groups / (groups - 1) * float(((k - rate * n) ** 2).sum()) / total**2
    effect = max(1.0, robust / binomial) if binomial > 0 else 1.0
    quantile = float(stdtrit(groups - 1, 0.5 + CONFIDENCE / 2))
    return wilson_interval(k.sum() / effect, total / effect, quantile)


def rate_interval(successes_E: Sequence[int], n_E: Sequence[int], games_E: Sequence[str]) -> RateInterval:
    """Return the pooled rate of some episodes with its 95 % interval.

    Clustered by game where a game was played more than once and at least two games were, Wilson otherwise.

    Args:
        successes_E: deviant decisions per episode.
        n_E: decisions per episode.
        games_E: the scenario of each episode.
    """
    k, n = int(sum(successes_E)), int(sum(n_E))
    if n == 0:
        return RateInterval(None, None, None, 0, "none")
    games = sorted({game for game, count in zip(games_E, n_E, strict=True) if count})
    if 1 < len(games) < len(games_E):
        by_game = {game: [0, 0] for game in games}
        for game, successes, count in zip(games_E, successes_E, n_E, strict=True):
            if count:
                by_game[game][0] += successes
                by_game[game][1] += count
        low, high = clustered_interval(*zip(*by_game.values(), strict=True))
        return RateInterval(k / n, low, high, n, "wilson, clustered by scenario")
    low, high = wilson_interval(k, n)
    return RateInterval(k / n, low, high, n, "wilson")
