"""Time to tip as survival curves: the share of episodes that have not tipped by a round, with censoring.

An episode that was played to its last round, or stopped before it, without having tipped is censored there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from atp_ray.measures.courses import Course
from atp_ray.measures.intervals import CONFIDENCE
from atp_ray.measures.results import Setting
from atp_ray.measures.tips import tips
from atp_ray.paradigms.registry import paradigm

METHOD = "Kaplan-Meier, Wilson interval at the sample size that a jackknife over units leaves"


class SurvivalPoint(NamedTuple):
    """One round of a curve: episodes that could tip in it, that did, that were censored after it, the share left."""

    paradigm: str
    checkpoint: str
    setting: str
    numbers: Setting
    round: int
    at_risk: int
    tipped: int
    censored: int
    not_tipped: float
    ci_low: float
    ci_high: float
    n_units: int
    n_episodes: int
    method: str


def survival_points(name: str, course: Course) -> Iterator[SurvivalPoint]:
    """Yield the curve of one checkpoint, called `name`, in one setting: a point per round."""
    played_E = ~np.isnan(course.rate_ER).all(axis=1)
    if not played_E.any():
        return
    rate_ER, unit_E = course.rate_ER[played_E], course.unit_ER[played_E, 0]
    n_rounds = rate_ER.shape[1]
    lasted_E = n_rounds - np.argmax(~np.isnan(rate_ER[:, ::-1]), axis=1)
    episode_N, at_N = np.nonzero(np.arange(n_rounds) < lasted_E[:, None])
    tip_E, lasted_E = tips(episode_N, at_N + 1, rate_ER[episode_N, at_N])
    duration_E, tipped_E = np.where(tip_E > 0, tip_E, lasted_E), tip_E > 0
    units, unit_E = np.unique(unit_E, return_inverse=True)
    counts = np.zeros((len(units), n_rounds + 1, 2))
    np.add.at(counts, (unit_E, duration_E, tipped_E.astype(int)), 1)
    share_R = kaplan_meier(counts.sum(axis=0))
    low_R, high_R = _bounds(counts, share_R)
    label = paradigm(course.setting.paradigm).presentation.setting_label(course.setting)
    total = counts.sum(axis=0)
    for number in range(1, n_rounds + 1):
        yield SurvivalPoint(
            course.setting.paradigm, name, label, course.setting, number, int(total[number:].sum()),
            int(total[number, 1]), int(total[number, 0]), float(share_R[number - 1]), float(low_R[number - 1]),
            float(high_R[number - 1]), len(units), len(rate_ER), METHOD,
        )  # fmt: skip


def kaplan_meier(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the share that has not tipped after each round [R].

    Args:
        counts: episodes by round (row 0 is unused) in which they were censored (column 0) or tipped (column 1).
    """
    # The tests compare it with lifelines, which takes seconds to import and minutes for a jackknife.
    at_risk_R = counts[1:].sum(axis=1)[::-1].cumsum()[::-1]
    return np.asarray(np.cumprod(1 - counts[1:, 1] / np.maximum(at_risk_R, 1)))


def _bounds(
    counts: npt.NDArray[np.float64], share_R: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return 95 % bounds: episodes of one unit count as far as leaving units out one by one says they do."""
    units, total = len(counts), counts.sum(axis=0)
    if units < 2:
        return np.zeros_like(share_R), np.ones_like(share_R)
    left_UR = np.array([kaplan_meier(total - of_unit) for of_unit in counts])
    variance_R = (units - 1) / units * ((left_UR - left_UR.mean(axis=0)) ** 2).sum(axis=0)
    episodes = total.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        effective_R = share_R * (1 - share_R) / variance_R
    # Nowhere do episodes say more than if independent. Where all or none have tipped nothing varies: there they say as
    # little as anywhere else in the curve, or as units do where it is flat.
    varies_R = np.isfinite(effective_R)
    least = effective_R[varies_R].min() if varies_R.any() else units
    effective_R = np.clip(np.where(varies_R, effective_R, least), 1.0, episodes)
    z = float(stdtrit(units - 1, 0.5 + CONFIDENCE / 2))
    # Wilson's score interval, with Student's quantile.
    scale_R = 1 + z * z / effective_R
    centre_R = (share_R + z * z / (2 * effective_R)) / scale_R
    half_R = z * np.sqrt(share_R * (1 - share_R) / effective_R + (z / (2 * effective_R)) ** 2) / scale_R
    return np.maximum(centre_R - half_R, 0.0), np.minimum(centre_R + half_R, 1.0)


def curves(arms: Sequence[tuple[str, Sequence[Course]]]) -> list[SurvivalPoint]:
    """Return the points of all curves."""
    return [point for name, courses in arms for course in courses for point in survival_points(name, course)]
