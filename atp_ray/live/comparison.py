"""Branches compared: deviant rates round by round, and the difference of two groups with its interval over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from atp_ray.live.marks import RoundMark
from atp_ray.measures.intervals import CONFIDENCE


class Difference(NamedTuple):
    """With minus without, in one round: mean over pairs of seeds and its 95 % interval (None with one pair)."""

    round: int
    without: float
    with_: float
    difference: float
    low: float | None
    high: float | None
    n_pairs: int


def differences(
    without: Sequence[Sequence[RoundMark]], with_: Sequence[Sequence[RoundMark]], after: int, limit: int | None = None
) -> list[Difference]:
    """Compare pairs of branches in every round after `after` that all have played.

    Args:
        without, with_: rounds of each branch; the i-th of either share a seed.
        limit: at most so many rounds.

    The interval is Student's t over the differences of pairs; it is None where there is one pair.
    """
    last = min((len(marks) for marks in (*without, *with_)), default=0)
    if limit is not None:
        last = min(last, after + limit)
    base_SR, changed_SR = (
        np.array([[mark.rate for mark in marks[after:last]] for marks in group]) for group in (without, with_)
    )
    found = []
    for index, number in enumerate(range(after + 1, last + 1)):
        base_S, changed_S = base_SR[:, index], changed_SR[:, index]
        decided = ~(np.isnan(base_S) | np.isnan(changed_S))
        if not decided.any():
            continue
        gaps = (changed_S - base_S)[decided]
        half = _half_width(gaps)
        mean = float(gaps.mean())
        # Rates lie in 0..1.
        low, high = (None, None) if half is None else (max(-1.0, mean - half), min(1.0, mean + half))
        base, changed = float(base_S[decided].mean()), float(changed_S[decided].mean())
        found.append(Difference(number, base, changed, mean, low, high, len(gaps)))
    return found


def _half_width(gaps: np.ndarray) -> float | None:
    n = len(gaps)
    if n < 2:
        return None
    quantile = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2))
    return quantile * float(gaps.std(ddof=1)) / math.sqrt(n)
