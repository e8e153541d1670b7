"""Where an infinite population can rest while some of it is committed: its resting states, their basins, hysteresis.

Let s be the share of the committed side's answer among all answers, and a(s) the share among those of agents that are
not committed once they have long met s. Population and answers agree where s = f + (1 - f) a(s), f being the committed
share. So for every s there is exactly one committed share with which it is a resting state, f(s) = (s - a(s)) / (1 -
a(s)): a curve that holds all resting states, stable where f(s) rises and unstable where it falls, each unstable one
parting the basins of two stable ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from atp_ray.responses.features import Array

POINTS = 81
VISIBLE = 1e-3  # difference of committed shares from which on there is hysteresis
_INSIDE = 1e-6  # of 0 and 1, where every answer is the same
_JUMP = 1e-9
AnswerShare = Callable[[float], float]


class RestingCurve(NamedTuple):
    """The resting states `share_S` [S] in ascending order, the committed share of each, and where a population flips.

    Raised slowly from nothing, the committed share carries the population over half at `up`; lowered again, it falls
    back at `down`: 0 if it never falls back, 1 as `up` if only all being committed carries it over. Between the two it
    depends on where it comes from (hysteresis).
    """

    share_S: Array
    committed_S: Array
    up: float
    down: float

    @property
    def turns_back(self) -> bool:
        """Whether there is hysteresis: between `down` and `up` it depends on where the population comes from."""
        return self.up - self.down > VISIBLE

    @property
    def stable_S(self) -> npt.NDArray[np.bool_]:
        """Whether a state is returned to when it is disturbed."""
        return np.asarray(np.gradient(self.committed_S, self.share_S) > 0)

    def states(self, committed: float) -> list[tuple[float, bool]]:
        """Return the resting states with a committed share, ascending, and whether each is stable.

        An unstable one is the border between the basins of its neighbours.
        """
        over_S = self.committed_S - committed
        found = [(0.0, True)] if over_S[0] > 0 else []
        for index in np.flatnonzero(np.diff(over_S >= 0)):
            left, right = over_S[index], over_S[index + 1]
            share = self.share_S[index] + (self.share_S[index + 1] - self.share_S[index]) * left / (left - right)
            found.append((float(share), bool(right > left)))
        return [*found, (1.0, True)] if over_S[-1] < 0 else found


def resting_curve(
    answers: AnswerShare, jumps: Sequence[float] = (), points: int = POINTS, of_free: bool = False
) -> RestingCurve:
    """Return the curve of resting states.

    Args:
        answers: a(s), a probability for each s in 0..1.
        jumps: values of s at which a(s) jumps: the curve is looked at on both sides.
        of_free: whether the half that counts is of the answers of agents that are not committed; else of all.
    """

    def committed(share: float) -> float:
        answered = answers(share)
        # Where all others answer so anyway, no committed agent is needed; all of them keep the state as it is.
        return (share - answered) / max(1 - answered, _JUMP)

    ends = [(jump - _JUMP, jump + _JUMP) for jump in jumps if _INSIDE < jump < 1 - _INSIDE]
    even = (1 - np.cos(np.linspace(0, np.pi, points))) / 2  # closer together towards the ends
    grid = np.unique(np.round(np.concatenate([np.clip(even, _INSIDE, 1 - _INSIDE), np.ravel(ends), [0.5]]), 12))
    committed_S = np.array([committed(float(share)) for share in grid])
    half_S = (grid - committed_S) / np.maximum(1 - committed_S, _JUMP) if of_free else grid
    up = -_least(lambda share: -committed(share), grid, np.where(half_S <= 0.5, -committed_S, np.inf))
    # Where the curve runs through the half without turning back, both are the same, but for the grid.
    down = min(up, _least(committed, grid, np.where(half_S > 0.5, committed_S, np.inf)))
    return RestingCurve(grid, committed_S, float(np.clip(up, 0, 1)), float(np.clip(down, 0, 1)))


def _least(value: AnswerShare, grid: Array, value_S: Array) -> float:
    """Return the least value near the least on the grid."""
    index = int(value_S.argmin())
    around = [place for place in (index - 1, index, index + 1) if 0 <= place < len(grid) and value_S[place] < np.inf]
    if len(around) < 3:
        return float(value_S[index])
    found = minimize_scalar(value, bounds=(grid[around[0]], grid[around[-1]]))  # to 1e-5 of the share
    return min(float(found.fun), float(value_S[index]))
