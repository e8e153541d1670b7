"""How likely a comparison is to see a difference of a given size, before the run.

A game's decisions are beta-binomial: alike by the intra-class correlation `icc`, which is the share of their variance
that lies between episodes (0: independent, 1: all seats do the same). Units add what they do to both checkpoints alike,
which pairing removes, and differ in the effect itself by `effect_spread`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.measures.courses import Course
from atp_ray.measures.differences import (
    FloatArray,
    holm,
    independent_variance,
    mean_difference,
    resolution_of,
    share_variance,
)

SEEDS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100)
DRAWS = 600  # a power of 80 % is known to 1.6 points


class Assumptions(NamedTuple):
    """What a grid is like: units and settings it has, decisions of an episode and round, the base's rate."""

    units: int
    settings: int
    decisions: int
    rate: float
    icc: float
    effect_spread: float = 0.0


class PowerRow(NamedTuple):
    """The chance (0..1) to see the difference with so many seeds.

    In one setting that was planned alone; in one setting after Holm over all of them while the others have no effect;
    in the mean over all settings while all have it.
    """

    seeds: int
    planned: float
    after_holm: float
    pooled: float


def power_rows(
    assumed: Assumptions, difference: float, alpha: float, enough: float, seed: int = 0
) -> Iterator[PowerRow]:
    """Yield the power for more and more seeds, until all of it is `enough` or `SEEDS` ends.

    One setting is simulated with the test that the report makes; the mean over settings is Student's noncentral t.

    Args:
        difference: by how much the checkpoint's rate is lower than the base's.
    """
    for seeds in SEEDS:
        planned, after_holm = _simulated(assumed, difference, seeds, alpha, np.random.default_rng([seed, seeds]))
        row = PowerRow(seeds, planned, after_holm, _pooled(assumed, difference, seeds, alpha))
        yield row
        if min(row[1:]) >= enough:
            return


def least_seeds(rows: Sequence[PowerRow], column: str, enough: float) -> int | None:
    """Return the least seeds that were tried from which a column's power is `enough`, None where none is."""
    least = None
    for row in reversed(rows):
        if getattr(row, column) < enough:
            break
        least = row.seeds
    return least


def assumptions_from(courses: Sequence[Course], last: bool) -> Assumptions:
    """Return what a pilot run's cells of one checkpoint were like in the last round, or in the first.

    The rate is the mean over settings. The `icc` comes from repetitions of a unit where there are several seeds; else
    what differs between units counts as likeness within episodes too, which errs on the safe side.
    """
    at = -1 if last else 0
    excess, expected, rates, decisions = 0.0, 0.0, [], []
    for course in courses:
        decided_E = ~np.isnan(course.rate_ER[:, at])
        rate_E, unit_E = course.rate_ER[decided_E, at], course.unit_ER[decided_E, at]
        if not len(rate_E):
            continue
        rates.append(float(rate_E.mean()))
        decisions.append(float(course.decided_R[at]))
        excess += _episode_variance(rate_E, unit_E)
        expected += rates[-1] * (1 - rates[-1])
    m = max(1, round(float(np.mean(decisions)))) if decisions else 1
    ratio = m * excess / expected if expected else 1.0
    icc = min(1.0, max(0.0, (ratio - 1) / (m - 1))) if m > 1 else 0.0
    units = len(np.unique(courses[0].unit_ER[:, at]))
    return Assumptions(units, len(courses), m, float(np.mean(rates)) if rates else 0.5, icc)


def _episode_variance(rate_E: FloatArray, unit_E: np.ndarray) -> float:
    """Return the variance of episodes' rates within units, or between them where none is repeated."""
    _, index_E, n_U = np.unique(unit_E, return_inverse=True, return_counts=True)
    freedom = len(rate_E) - len(n_U)
    if freedom == 0:
        return float(rate_E.var(ddof=1)) if len(rate_E) > 1 else 0.0
    mean_U = np.bincount(index_E, rate_E) / n_U
    return float(((rate_E - mean_U[index_E]) ** 2).sum() / freedom)


def _simulated(
    assumed: Assumptions, difference: float, seeds: int, alpha: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the power in the first setting alone, and after Holm with others that have no effect."""
    n = seeds * assumed.units * assumed.decisions
    shape = (DRAWS, assumed.settings, assumed.units)
    base = _unit_rates(assumed, np.full(shape, assumed.rate), seeds, rng)
    chance = np.full(shape, assumed.rate)
    chance[:, 0] -= difference + rng.normal(0, assumed.effect_spread, (DRAWS, assumed.units))
    other = _unit_rates(assumed, np.clip(chance, 0, 1), seeds, rng)
    alone = mean_difference(other - base, resolution_of(n, n))
    independent = sum(independent_variance(side.mean(axis=-1), n) for side in (base, other))
    p_value = share_variance(alone, independent).p_value()
    return float((p_value[:, 0] <= alpha).mean()), float((holm(p_value)[:, 0] <= alpha).mean())


def _unit_rates(assumed: Assumptions, chance: FloatArray, seeds: int, rng: np.random.Generator) -> FloatArray:
    """Return the rate of each unit over its seeds."""
    total = np.zeros_like(chance)
    for _ in range(seeds):
        total += rng.binomial(assumed.decisions, _alike(chance, assumed.icc, rng))
    return total / (seeds * assumed.decisions)


def _alike(chance: FloatArray, icc: float, rng: np.random.Generator) -> FloatArray:
    """Return each episode's own chance: beta with the mean `chance` and the intra-class correlation `icc`."""
    if icc <= 0:
        return chance
    if icc >= 1:
        return (rng.random(chance.shape) < chance).astype(float)
    inner = np.clip(chance, 1e-9, 1 - 1e-9)
    return np.where((chance > 0) & (chance < 1), rng.beta(inner * (1 / icc - 1), (1 - inner) * (1 / icc - 1)), chance)


def _pooled(assumed: Assumptions, difference: float, seeds: int, alpha: float) -> float:
    from statsmodels.stats.power import TTestPower  # seconds of imports, for those who ask for power

    variances = (p * (1 - p) for p in (assumed.rate, assumed.rate - difference))
    alike = (1 + (assumed.decisions - 1) * assumed.icc) / (assumed.decisions * seeds * assumed.settings)
    spread = np.sqrt(assumed.effect_spread**2 + sum(variances) * alike)
    if spread == 0:
        return 1.0
    found = float(TTestPower().power(difference / spread, assumed.units, alpha))
    return 1.0 if np.isnan(found) else found  # scipy gives up where the noncentrality is very large
