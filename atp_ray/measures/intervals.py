"""The interval of a rate: one function, which counts what is independent and not decisions.

**Target.** The rate in the population that the units (scenarios of a game, prompts, problems) are a sample of, each
counting as much as it has decisions. For the rate of exactly these units, played again and again, the interval is
conservative. A rate of one single unit is about that unit, and its episodes are what is independent.

**What is independent.** Units are. Decisions of one unit are not: they share what is particular to the scenario, and
agents of one episode imitate each other from round 2 on.

**Methods**, named in `RateInterval.method` and from there in every caption:

- `mid-P`: one decision per unit, so all are independent. The binomial mid-P interval.
- `beta-binomial by unit, round 1 independent`: nobody has seen anybody, so decisions of a unit share the scenario and
  nothing else; units may well be alike (prior on the intra-class correlation: 1/2 at 0).
- `beta-binomial by unit, repeated`: units were repeated under several seeds. How alike decisions of one episode are is
  measured from the repetitions: the number of decisions is divided by their design effect, with the correction for few
  degrees of freedom of Korn and Graubard (1998). Units may well be alike.
- `beta-binomial by unit, conservative`: agents have seen each other and each unit was played once, so nothing in the
  data separates imitation from chance where all episodes are alike. Any intra-class correlation is as likely as
  another, and limits are of Clopper and Pearson's kind.

How well they cover is simulated by `python -m benchmarks.coverage`; docs/intervals.md has the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from atp_ray.measures.beta_binomial import FloatArray, Units, limits

CONFIDENCE = 0.95
BINOMIAL = "mid-P"
FIRST_ROUND = "beta-binomial by unit, round 1 independent"
REPEATED = "beta-binomial by unit, repeated"
ONCE = "beta-binomial by unit, conservative"


class RateInterval(NamedTuple):
    """A rate with its interval, all in 0..1 and None where nothing was decided; `n` decisions; `method` used."""

    rate: float | None
    low: float | None
    high: float | None
    n: int
    method: str


def rate_interval(
    successes_E: Sequence[int], n_E: Sequence[int], units_E: Sequence[str], *, first_round: bool = False
) -> RateInterval:
    """Return the pooled rate of some episodes with its 95 % interval.

    Args:
        successes_E: deviant decisions per episode.
        n_E: decisions per episode.
        units_E: what each episode is an observation of (`Design.unit`).
        first_round: nobody had seen anybody when these decisions were made.

    Raises:
        ValueError: the columns differ in length, or successes are not in 0..n.
    """
    if not len(successes_E) == len(n_E) == len(units_E):
        raise ValueError("successes, decisions and units must have one entry per episode")
    k_E, n_of_E = np.array(successes_E, dtype=float), np.array(n_E, dtype=float)
    if (k_E < 0).any() or (k_E > n_of_E).any():
        raise ValueError("no interval: successes must be in 0..n")
    decided_E = n_of_E > 0
    if not decided_E.any():
        return RateInterval(None, None, None, 0, "none")
    k_E, n_of_E = k_E[decided_E], n_of_E[decided_E]
    unit_E = np.unique(np.array(units_E, dtype=object)[decided_E].astype(str), return_inverse=True)[1]
    if unit_E.max() == 0:
        unit_E = np.arange(len(k_E))  # the rate of one unit
    low, high, method = _interval(k_E, n_of_E, unit_E, first_round)
    rate = float(k_E.sum() / n_of_E.sum())
    # Units of very different size pull the mean over units away from the rate over decisions.
    return RateInterval(rate, min(low, rate), max(high, rate), int(n_of_E.sum()), method)


def _interval(
    k_E: FloatArray, n_E: FloatArray, unit_E: npt.NDArray[np.intp], first_round: bool
) -> tuple[float, float, str]:
    units = Units(np.bincount(unit_E, k_E), np.bincount(unit_E, n_E))
    if units.n_U.max() == 1:
        return *limits(units, CONFIDENCE, "possible"), BINOMIAL
    if first_round:
        return *limits(units, CONFIDENCE, "possible"), FIRST_ROUND
    if len(k_E) == len(units.n_U):
        return *limits(units, CONFIDENCE, "certain", exact=True), ONCE
    effect = _design_effect_within(k_E, n_E, unit_E, units)
    return *limits(Units(units.k_U / effect, units.n_U / effect), CONFIDENCE, "possible"), REPEATED


def _design_effect_within(k_E: FloatArray, n_E: FloatArray, unit_E: npt.NDArray[np.intp], units: Units) -> float:
    """Return by how much decisions of one episode are worth less than as many independent ones of its unit.

    The variance of episodes around the rate of their unit over the binomial one, times (t / z)^2 for its degrees of
    freedom: at least 1, at most the decisions of an episode. It is the latter where every unit went one way.
    """
    most = float(n_E.mean())
    rate_U = units.k_U / units.n_U
    times_U = np.bincount(unit_E)
    freedom = len(n_E) - len(times_U)
    squares = float(((k_E - rate_U[unit_E] * n_E) ** 2).sum())
    expected = float((units.n_U * rate_U * (1 - rate_U) * (times_U - 1) / times_U).sum())
    if expected == 0:
        return most
    upper = 0.5 + CONFIDENCE / 2
    few = float(stdtrit(freedom, upper) / ndtri(upper)) ** 2
    return min(max(squares / expected * few, 1.0), most)
