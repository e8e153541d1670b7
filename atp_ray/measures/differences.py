"""Mean differences of paired units: Student's t over units, and Holm's correction for a family of them.

A unit is what is independent (a scenario, a prompt, a problem); all its decisions make one difference. So decisions of
one game, which follow each other, count once, and what a scenario does to both checkpoints alike cancels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, polygamma, stdtr, stdtrit

from atp_ray.measures.intervals import CONFIDENCE

FloatArray = npt.NDArray[np.float64]
LEAST_SETTINGS = 3  # fewer say nothing of how variances scatter
PRIOR_SHARE = 0.5  # of the weight that the scatter of variances suggests; benchmarks/comparisons.py shows why
LEAST_FACTOR = 0.75  # of the variance of independent decisions: what lies below is chance
_NO_SCATTER = 1e-3  # log variances that scatter no more than chance makes them


class MeanDifference(NamedTuple):
    """Mean differences over units, arrays of one shape.

    `error` is the standard error and `freedom` its degrees of freedom, NaN and 0 where there is one unit: nothing says
    how units differ.
    """

    mean: FloatArray
    error: FloatArray
    freedom: FloatArray

    def interval(self, most: float = np.inf) -> tuple[FloatArray, FloatArray]:
        """Return the 95 % intervals; differences lie within -most..most, and so do intervals."""
        half = stdtrit(np.maximum(self.freedom, 1), 0.5 + CONFIDENCE / 2) * self.error
        return np.maximum(self.mean - half, -most), np.minimum(self.mean + half, most)

    def p_value(self, against: float = 0.0, direction: int = 0) -> FloatArray:
        """Return the p values of the means being `against`: two-sided, or of being lower (-1) or higher (1) than that.

        Where neither a difference nor any variance was seen, the two-sided value is 1.
        """
        gap = self.mean - against
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where((gap == 0) & (self.error == 0), 0.0, gap / self.error)
        freedom = np.maximum(self.freedom, 1)
        if direction:
            return np.asarray(stdtr(freedom, -direction * t))
        return np.asarray(np.minimum(1.0, 2 * stdtr(freedom, -np.abs(t))))


def mean_difference(difference_U: npt.ArrayLike, resolution: npt.ArrayLike = 0.0) -> MeanDifference:
    """Return the mean over the last axis with its standard error, which has one degree of freedom less than units.

    Args:
        difference_U: one difference per unit, on the last axis.
        resolution: least standard error, see `resolution_of`: where all units differ by the same (two checkpoints at
            100 %), units alone would claim certainty.
    """
    values_U = np.asarray(difference_U, dtype=float)
    n = values_U.shape[-1]
    mean = np.asarray(values_U.mean(axis=-1))
    if n < 2:
        return MeanDifference(mean, np.full_like(mean, np.nan), np.zeros_like(mean))
    error = np.maximum(values_U.std(axis=-1, ddof=1) / np.sqrt(n), resolution)
    return MeanDifference(mean, error, np.full_like(mean, n - 1))


def share_variance(found: MeanDifference, independent_K: npt.ArrayLike) -> MeanDifference:
    """Return the differences of several settings with variances that borrow from one another: Smyth's moderated t.

    Seven units say little of a variance. How far the settings' variances lie above those of independent decisions
    scatters around a common factor; the less it scatters, the more weight the factor gets beside a setting's own value
    (at most half of what all settings together would have), and the more degrees of freedom the result has. A variance
    is never below three quarters of that of independent decisions. Settings without a variance of their own are left
    as they are, and all are where fewer than `LEAST_SETTINGS` remain.

    Args:
        found: the settings' differences, on the last axis.
        independent_K: what each variance of a mean would be if decisions were independent, see `independent_variance`.

    Source: Smyth (2004), Linear models and empirical Bayes methods for assessing differential expression.
    """
    independent_K = np.broadcast_to(np.asarray(independent_K, dtype=float), found.mean.shape)
    own_K = found.freedom > 0
    n = own_K.sum(axis=-1, keepdims=True)
    if (n < LEAST_SETTINGS).all():
        return found
    freedom_K = np.maximum(found.freedom, 1)
    factor_K = np.where(own_K, found.error**2 / independent_K, 1.0)
    log_K = np.log(factor_K) - digamma(freedom_K / 2) + np.log(freedom_K / 2)
    chance_K = polygamma(1, freedom_K / 2)
    centre = _mean(log_K, own_K)
    scatter = _mean((log_K - centre) ** 2, own_K) * n / np.maximum(n - 1, 1) - _mean(chance_K, own_K)
    scattered = scatter > _NO_SCATTER
    suggested = 2 * _inverse_trigamma(np.where(scattered, scatter, 1.0))
    common = np.where(
        scattered, np.exp(centre + digamma(suggested / 2) - np.log(suggested / 2)), _mean(factor_K, own_K)
    )
    most = PRIOR_SHARE * (n - 1) * _mean(freedom_K, own_K)
    weight = np.where(scattered, np.minimum(PRIOR_SHARE * suggested, most), most)
    shared_K = np.maximum((weight * common + freedom_K * factor_K) / (weight + freedom_K), LEAST_FACTOR)
    changed_K = own_K & (n >= LEAST_SETTINGS)
    error_K = np.where(changed_K, np.sqrt(shared_K * independent_K), found.error)
    return MeanDifference(found.mean, error_K, np.where(changed_K, weight + freedom_K, found.freedom))


def resolution_of(*n_decisions: float) -> float:
    """Return the standard error that a difference of rates has at least: one decision changed in every rate."""
    return float(np.sqrt(sum(1 / n**2 for n in n_decisions)))


def independent_variance(rate: npt.ArrayLike, n: npt.ArrayLike) -> FloatArray:
    """Return the variance of a rate of `n` independent decisions, one of either kind added: 0 of `n` is not certain."""
    n = np.asarray(n, dtype=float)
    added = (np.asarray(rate, dtype=float) * n + 1) / (n + 2)
    return np.asarray(added * (1 - added) / n)


def holm(p_value: npt.ArrayLike) -> FloatArray:
    """Return Holm's adjusted p values of the families on the last axis; NaN (not tested) counts as 1 and stays NaN.

    Rejecting what is at most alpha keeps the chance of any false rejection in the family at most alpha, whatever the
    dependence between its members (Holm 1979).
    """
    p = np.asarray(p_value, dtype=float)
    tested = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(tested, axis=-1, kind="stable")
    steps = p.shape[-1] - np.arange(p.shape[-1])
    stepped = np.minimum(1.0, np.maximum.accumulate(np.take_along_axis(tested, order, axis=-1) * steps, axis=-1))
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, stepped, axis=-1)
    return np.where(np.isnan(p), np.nan, adjusted)


def _mean(values_K: FloatArray, where_K: npt.NDArray[np.bool_]) -> FloatArray:
    counted = np.where(where_K, values_K, 0.0).sum(axis=-1, keepdims=True)
    return np.asarray(counted / np.maximum(where_K.sum(axis=-1, keepdims=True), 1))


def _inverse_trigamma(value: FloatArray) -> FloatArray:
    """Return y with trigamma(y) = value > 0, by Newton's method on 1 / trigamma, which is nearly a straight line."""
    y = 0.5 + 1 / value
    for _ in range(20):
        trigamma = polygamma(1, y)
        y = y + trigamma * (1 - trigamma / value) / polygamma(2, y)
    return np.asarray(y)
