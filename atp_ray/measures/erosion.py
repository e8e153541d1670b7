"""Erosion, the paper's claim as a number: the share of alignment's drop in round 1 that is gone in the last round.

erosion = 1 - (drop left in the last round) / (drop in round 1), a drop being how far a checkpoint's deviant rate is
below its base's. 0: all of the drop lasts; 1: none of it; above 1: the checkpoint ends above its base; below 0: it
drops further.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from atp_ray.measures.intervals import CONFIDENCE

METHOD = "Fieller over units"


class Erosion(NamedTuple):
    """Erosion with its 95 % interval; infinite ends and None are explained by `note`."""

    estimate: float | None
    low: float | None
    high: float | None
    note: str | None


def erosion(
    first_U: npt.ArrayLike, last_U: npt.ArrayLike, first_resolution: float = 0.0, last_resolution: float = 0.0
) -> Erosion:
    """Return the erosion of the mean drops of paired units, with Fieller's interval of their ratio (Fieller 1954).

    Args:
        first_U, last_U: drop of each unit (base minus checkpoint) in round 1 and in the last round.
        first_resolution, last_resolution: least standard errors of the two means, see `differences.resolution_of`.
    """
    first_U, last_U = np.asarray(first_U, dtype=float), np.asarray(last_U, dtype=float)
    n = len(first_U)
    first, last = float(first_U.mean()), float(last_U.mean())
    if first <= 0:
        return Erosion(None, None, None, "no drop in round 1")
    estimate = 1 - last / first
    if n < 2:
        return Erosion(estimate, None, None, "one unit: no interval")
    covariance = np.cov(first_U, last_U) / n
    first_variance = max(float(covariance[0, 0]), first_resolution**2)
    last_variance = max(float(covariance[1, 1]), last_resolution**2)
    t2 = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) ** 2
    # All ratios q with (last - q first)^2 <= t^2 Var(last - q first): a quadratic in q.
    a = first**2 - t2 * first_variance
    if a <= 0:
        return Erosion(estimate, -np.inf, np.inf, "the drop in round 1 is not clearly there: no bounds")
    b = first * last - t2 * float(covariance[0, 1])
    c = last**2 - t2 * last_variance
    half = np.sqrt(max(0.0, b * b - a * c))
    return Erosion(estimate, float(1 - (b + half) / a), float(1 - (b - half) / a), None)
