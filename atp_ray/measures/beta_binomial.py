"""The limits of a rate whose decisions come in units that differ: a beta-binomial posterior, integrated on a grid.

Unit u with n_u decisions has a rate of its own, beta distributed around the mean `p` with intra-class correlation
`rho`; its deviant decisions are binomial. `rho` is integrated out under a prior, which handles 0 %, 100 % and few units
without special cases: a sample that says nothing of the dependence gets the prior's.

The prior on `p` makes the limits those of frequentist practice: with 1/p the lower limit, with 1/(1 - p) the upper
limit of independent decisions are Clopper and Pearson's (1934). An even mixture of both gives the mid-P limits
(Lancaster 1961; Berry and Armitage 1995), whose coverage is near 95 % and not above it.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

FloatArray = npt.NDArray[np.float64]
Dependence = Literal["none", "possible", "certain"]
"""What is believed of `rho` before the data.

none: rho is 0, so only the sums count.
possible: with probability 1/2 units are alike (rho = 0); otherwise every order of magnitude of the design effect
1 + (m - 1) rho, from 1 to the mean unit size m, is as likely as another.
certain: every rho in 0..1 is as likely as another.
"""

_P_NODES, _RHO_NODES, _COARSE_NODES, _SEARCHES = 160, 16, 24, 2
_NEGLIGIBLE = 30.0  # log-likelihood below the best that no longer counts
_DEVIATIONS = 8.0  # standard deviations of the rate on either side that are integrated over


class Units(NamedTuple):
    """Deviant decisions `k_U` and decisions `n_U` > 0 of each unit; fractions where they are effective numbers."""

    k_U: FloatArray
    n_U: FloatArray


class _Slab(NamedTuple):
    """Nodes of the intra-class correlation above 0 [R], and their prior probabilities."""

    rho_R: FloatArray
    weight_R: FloatArray


def limits(units: Units, confidence: float, dependence: Dependence, *, exact: bool = False) -> tuple[float, float]:
    """Return the limits of the mean rate of the population the units are a sample of, in 0..1.

    Args:
        confidence: e.g. 0.95; half of the rest is on either side.
        exact: limits of Clopper and Pearson's kind instead of mid-P: conservative.
    """
    k, n = float(units.k_U.sum()), float(units.n_U.sum())
    slab = None if dependence == "none" or n <= len(units.n_U) else _slab(units, dependence)
    spike = 0.5 if dependence == "possible" else 0.0
    largest = 1.0 if slab is None else 1 + (n / len(units.n_U) - 1) * float(slab.rho_R[-1])
    angle_P, step = _angles(k / n, n / largest)
    p_P = np.sin(angle_P) ** 2
    # Under the grid's even steps in angle the prior is Jeffreys'.
    log_P = k * np.log(p_P) + (n - k) * np.log1p(-p_P)
    if slab is None:
        mass_P = np.exp(log_P - log_P.max())
    else:
        log_PR = log_likelihood(units, p_P[:, None], slab.rho_R)
        best = max(float(log_PR.max()), float(log_P.max()))
        mass_P = spike * np.exp(log_P - best) + (1 - spike) * (np.exp(log_PR - best) @ slab.weight_R)
    odds_P = np.sqrt(p_P / (1 - p_P))
    from_below = _distribution(mass_P / odds_P) if k > 0 else np.ones(len(p_P) + 1)
    from_above = _distribution(mass_P * odds_P) if k < n else np.zeros(len(p_P) + 1)
    if not exact:
        from_below = from_above = (from_below + from_above) / 2
    edge_P = angle_P[0] + step * (np.arange(len(angle_P) + 1) - 0.5)
    tail = (1 - confidence) / 2
    low = float(np.sin(np.interp(tail, from_below, edge_P)) ** 2) if k > 0 else 0.0
    high = float(np.sin(np.interp(1 - tail, from_above, edge_P)) ** 2) if k < n else 1.0
    return low, high


def log_likelihood(units: Units, p: FloatArray, rho: FloatArray) -> FloatArray:
    """Return the beta-binomial log-likelihood but for a constant, broadcast over `p` and `rho`, both within 0..1."""
    total = (1 - rho) / rho
    deviant, aligned = p * total, (1 - p) * total
    found: FloatArray = (
        _log_gammas(units.k_U, deviant)
        + _log_gammas(units.n_U - units.k_U, aligned)
        - _log_gammas(units.n_U, total)
        - len(units.n_U) * (gammaln(deviant) + gammaln(aligned) - gammaln(total))
    )
    return found


def _log_gammas(count_U: FloatArray, shape: FloatArray) -> FloatArray:
    """Return the sum over units of log gamma(count + shape); equal counts are computed once."""
    found = np.zeros_like(shape)
    for count, times in zip(*np.unique(count_U, return_counts=True), strict=True):
        found += times * gammaln(count + shape)
    return found


@cache
def _gauss_legendre() -> tuple[FloatArray, FloatArray]:
    return np.polynomial.legendre.leggauss(_RHO_NODES)


def _slab(units: Units, dependence: Dependence) -> _Slab:
    """Return nodes where the likelihood of the correlation, at the pooled rate, is not negligible.

    They are Gauss and Legendre's on the logarithm of the design effect, which suits units of every size.
    """
    size = float(units.n_U.mean())
    largest = float(np.log(size))
    pooled = np.array((units.k_U.sum() + 0.5) / (units.n_U.sum() + 1))
    first, last = 0.0, largest
    for _ in range(_SEARCHES):
        width = (last - first) / _COARSE_NODES
        middle = first + width * (np.arange(_COARSE_NODES) + 0.5)
        found = log_likelihood(units, pooled, np.expm1(middle) / (size - 1))
        likely = np.flatnonzero(found > found.max() - _NEGLIGIBLE)
        first, last = max(0.0, first + width * (likely[0] - 1)), min(largest, first + width * (likely[-1] + 2))
    node_R, weight_R = _gauss_legendre()
    log_effect_R = first + (last - first) * (node_R + 1) / 2
    weight_R = weight_R * (last - first) / (2 * largest)
    if dependence == "certain":
        weight_R = weight_R * largest * np.exp(log_effect_R) / (size - 1)
    return _Slab(np.expm1(log_effect_R) / (size - 1), weight_R)


def _angles(rate: float, n_effective: float) -> tuple[FloatArray, float]:
    """Return the middles of even steps in arcsin(sqrt(p)) around a rate, and the step."""
    middle, half = np.arcsin(np.sqrt(rate)), _DEVIATIONS / (2 * np.sqrt(n_effective))
    first, last = max(0.0, middle - half), min(np.pi / 2, middle + half)
    step = float(last - first) / _P_NODES
    return first + step * (np.arange(_P_NODES) + 0.5), step


def _distribution(mass_P: FloatArray) -> FloatArray:
    """Return the cumulative distribution at the edges of the steps, from 0 to 1."""
    found = np.concatenate([[0.0], np.cumsum(mass_P)])
    normed: FloatArray = found / found[-1]
    return normed
