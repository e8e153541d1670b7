"""Design effects: by how much dependent decisions are worth less than as many independent ones.

They are variances compared, so nothing is assumed of how rates are distributed over units; with few units, or near 0 %
and 100 %, a sample does not tell them.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from atp_ray.measures.beta_binomial import FloatArray, Units

EVEN = 0.25  # variance of one decision at even odds


def effect_within(k_E: FloatArray, n_E: FloatArray, unit_E: npt.NDArray[np.intp], units: Units) -> float:
    """Return the design effect of episodes within their units: 1 to the mean decisions of an episode.

    The variance of episodes around the rate of their unit over the binomial one. What is believed before is that an
    episode goes one way, with the weight of one decision at even odds; so that is left where every unit went one way.

    Args:
        k_E: deviant decisions per episode.
        n_E: decisions per episode, at least 1.
        unit_E: index of each episode's unit; at least one unit has two episodes.
    """
    most = float(n_E.mean())
    rate_U = units.k_U / units.n_U
    times_U = np.bincount(unit_E)
    squares = float(((k_E - rate_U[unit_E] * n_E) ** 2).sum())
    binomial = float((units.n_U * rate_U * (1 - rate_U) * (times_U - 1) / times_U).sum())
    return min(max((squares + EVEN * most) / (binomial + EVEN), 1.0), most)


def design_limits(units: Units, confidence: float) -> tuple[float, float]:
    """Return Wilson's limits of the pooled rate with the effective number of decisions, never above the number.

    The design effect is that of the ratio estimator between units, times (t / z)^2 for its degrees of freedom (E. L.
    Korn and B. I. Graubard 1998, Survey Methodology 24, 193-201). At 0 % and 100 % it is not known
    and both limits are the rate.
    """
    groups, n = len(units.n_U), float(units.n_U.sum())
    rate = float(units.k_U.sum()) / n
    if rate in (0.0, 1.0) or groups < 2:
        return rate, rate
    variance = groups / (groups - 1) * float(((units.k_U - rate * units.n_U) ** 2).sum()) / n**2
    upper = 0.5 + confidence / 2
    z, t = float(ndtri(upper)), float(stdtrit(groups - 1, upper))
    n_effective = n / max(1.0, (t / z) ** 2 * variance * n / (rate * (1 - rate)))
    middle = (rate + z * z / (2 * n_effective)) / (1 + z * z / n_effective)
    spread = math.sqrt(rate * (1 - rate) / n_effective + z * z / (4 * n_effective**2))
    half = z / (1 + z * z / n_effective) * spread
    return max(0.0, middle - half), min(1.0, middle + half)
