"""The interval of a rate: one function, which counts what is independent and not decisions.

**Target.** The rate in the population that the units (scenarios of a game, prompts, problems) are a sample of. For the
rate of exactly these units, played again and again, the interval is conservative. Where there is one unit the rate is
about that unit, and its episodes take the place of units (its decisions in round 1).

**What is independent.** Units are. Decisions of one unit are not: they share what is particular to it, and from round 2
on agents of one episode imitate each other.

**Methods**, named in `RateInterval.method` and from there in `ci_method` and every caption:

- `mid-P`: one decision per unit, or round 1 of one unit, so all decisions are independent. The binomial mid-P interval.
- `beta-binomial by unit, round 1`: nobody has seen anybody, so decisions of a unit share the unit and nothing else;
  units may well be alike (prior probability 1/2).
- `beta-binomial by unit, repeated`: units were repeated, under several seeds or in several settings. How alike the
  decisions of one episode are is measured from the repetitions, and the numbers of decisions are divided by that design
  effect. Units may well be alike.
- `beta-binomial by unit, each once`: agents have seen each other and each unit was played once, so nothing in the data
  tells imitation from chance where all episodes are alike. Every intra-class correlation is as likely as another, and
  the limits are of Clopper and Pearson's kind: conservative.

A beta distribution of rates over units is an assumption. From 20 units on the outer limits of these and of Korn and
Graubard's with the design effect between units are given, which do not make it.

How well they cover is simulated by `python -m benchmarks.coverage`; docs/intervals.md has the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.measures.beta_binomial import FloatArray, Units, limits
from atp_ray.measures.design_effects import design_limits, effect_within

CONFIDENCE = 0.95
BINOMIAL = "mid-P"
MANY = 20  # units from which on a design effect between them can be relied on


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
    unit_E = np.unique(np.array([str(unit) for unit in units_E])[decided_E], return_inverse=True)[1]
    one_unit = unit_E.max() == 0
    if one_unit:
        unit_E = np.arange(len(k_E))
    low, high, method = _interval(k_E, n_of_E, unit_E, first_round, one_unit)
    rate = float(k_E.sum() / n_of_E.sum())
    # Units of very different size pull the mean over units away from the rate over decisions.
    ends = min(low, rate), max(high, rate)
    return RateInterval(rate, *ends, int(n_of_E.sum()), method.format("episode" if one_unit else "unit"))


def _interval(
    k_E: FloatArray, n_E: FloatArray, unit_E: npt.NDArray[np.intp], first_round: bool, one_unit: bool
) -> tuple[float, float, str]:
    units = Units(*(np.bincount(unit_E, column_E).astype(float) for column_E in (k_E, n_E)))
    if units.n_U.max() == 1 or (first_round and one_unit):
        return *limits(units, CONFIDENCE, "none"), BINOMIAL
    if first_round:
        low, high = limits(units, CONFIDENCE, "possible")
        method = "beta-binomial by {}, round 1"
    elif len(k_E) == len(units.n_U):
        low, high = limits(units, CONFIDENCE, "certain", exact=True)
        method = "beta-binomial by {}, each once"
    else:
        effect = effect_within(k_E, n_E, unit_E, units)
        low, high = limits(Units(units.k_U / effect, units.n_U / effect), CONFIDENCE, "possible")
        method = "beta-binomial by {}, repeated"
    if len(units.n_U) >= MANY:
        other_low, other_high = design_limits(units, CONFIDENCE)
        low, high = min(low, other_low), max(high, other_high)
    return low, high, method
