"""Two checkpoints in the same setting, episode beside episode: the same unit, the same seed, the same seats.

Where every seat decides, the difference of two episodes' rates is the mean of the differences of their seats; a seat
without a decision is left out of its own episode's rate only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.measures.courses import Course
from atp_ray.measures.tips import tips

FloatArray = npt.NDArray[np.float64]


class Pairs(NamedTuple):
    """Paired episodes of a base and another checkpoint: rates by pair and round, and the units of the rounds.

    `decided_R` are the decisions of one episode of each in every round, on average.
    """

    base_PR: FloatArray
    other_PR: FloatArray
    unit_PR: npt.NDArray[np.int64]
    base_decided_R: FloatArray
    other_decided_R: FloatArray

    @property
    def n_rounds(self) -> int:
        """Rounds that both have."""
        return int(self.base_PR.shape[1])


class UnitValues(NamedTuple):
    """What a base and another checkpoint came to in each unit [U], from so many pairs.

    `repetitions` says that there is one unit only, and what stands here for units are its repetitions.
    """

    unit_U: npt.NDArray[np.int64]
    base_U: FloatArray
    other_U: FloatArray
    n_pairs: int
    repetitions: bool = False

    @property
    def difference_U(self) -> FloatArray:
        """The other minus the base."""
        return self.other_U - self.base_U


def pair(base: Course, other: Course) -> Pairs:
    """Return the episodes of the same unit and seed; where a unit has several of one seed, in their order."""
    place = {key: index for index, key in enumerate(_numbered(base.key_E))}
    found = [(place[key], index) for index, key in enumerate(_numbered(other.key_E)) if key in place]
    base_P, other_P = np.array(found, dtype=np.int64).reshape(-1, 2).T
    n = min(base.rate_ER.shape[1], other.rate_ER.shape[1])
    return Pairs(
        base.rate_ER[base_P, :n], other.rate_ER[other_P, :n], base.unit_ER[base_P, :n],
        base.decided_R[:n], other.decided_R[:n],
    )  # fmt: skip


def rates_of_units(pairs: Pairs, *rounds: int) -> list[UnitValues]:
    """Return each unit's mean rate in some rounds (from 0), over the pairs in which both decided in all of them."""
    base, other = pairs.base_PR[:, rounds], pairs.other_PR[:, rounds]
    decided_P = ~(np.isnan(base) | np.isnan(other)).any(axis=1)
    unit_P = _joint_unit(pairs.unit_PR[:, rounds])
    return [_by_unit(unit_P, base[:, i], other[:, i], decided_P) for i in range(len(rounds))]


def tips_of_units(pairs: Pairs) -> UnitValues:
    """Return each unit's mean number of rounds before the tip, over the pairs that both played to the end."""
    played_P = ~(np.isnan(pairs.base_PR[:, -1]) | np.isnan(pairs.other_PR[:, -1]))
    base_P, other_P = _rounds_before_tip(pairs.base_PR), _rounds_before_tip(pairs.other_PR)
    return _by_unit(_joint_unit(pairs.unit_PR[:, [0, -1]]), base_P, other_P, played_P)


def _rounds_before_tip(rate_PR: FloatArray) -> FloatArray:
    """Return how many rounds each episode played before its tip, all of them where it does not tip [P]."""
    n, n_rounds = rate_PR.shape
    tip_P, _ = tips(np.repeat(np.arange(n), n_rounds), np.tile(np.arange(1, n_rounds + 1), n), rate_PR.ravel())
    return np.where(tip_P > 0, tip_P - 1, n_rounds).astype(float)


def _numbered(keys: Sequence[tuple[str, str, int]]) -> list[tuple[tuple[str, str, int], int]]:
    """Return keys that are all different."""
    seen: Counter[tuple[str, str, int]] = Counter()
    numbered = []
    for key in keys:
        numbered.append((key, seen[key]))
        seen[key] += 1
    return numbered


def _joint_unit(unit_PR: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return one number for the units of several rounds; they are one unit where all are the same."""
    if (unit_PR == unit_PR[:, :1]).all():
        return unit_PR[:, 0]
    most = int(unit_PR.max()) + 1
    return np.asarray(unit_PR @ most ** np.arange(unit_PR.shape[1]), dtype=np.int64)


def _by_unit(
    unit_P: npt.NDArray[np.int64], base_P: FloatArray, other_P: FloatArray, counted_P: npt.NDArray[np.bool_]
) -> UnitValues:
    unit_P, base_P, other_P = unit_P[counted_P], base_P[counted_P], other_P[counted_P]
    unit_U, index_P = np.unique(unit_P, return_inverse=True)
    if len(unit_U) == 1 and len(unit_P) > 1:
        # One unit alone: its repetitions are all there is to judge by.
        return UnitValues(np.arange(len(unit_P)), base_P, other_P, len(unit_P), repetitions=True)
    n_U = np.bincount(index_P, minlength=len(unit_U))
    base_U, other_U = (np.bincount(index_P, values, len(unit_U)) / n_U for values in (base_P, other_P))
    return UnitValues(unit_U, base_U, other_U, len(unit_P))
