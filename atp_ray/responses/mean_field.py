"""An infinite population of fitted responders: what it remembers, where it comes to rest, and what flips it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atp_ray.responses.features import Array
from atp_ray.responses.window_codes import WindowCodes

MOST_ROUNDS = 20_000
STILL = 1e-10  # change of a share per round at which a population is taken to rest


class Course(NamedTuple):
    """The share of `to` among all answers, round by round, and whether it came to rest."""

    share_R: Array
    rests: bool


class MeanField:
    """What an infinite population does when all meet a random partner in each round.

    Agents that choose one after the other in random pairs do the same in the same time, but for the spread of how often
    each was drawn.
    """

    def __init__(self, chances_UK: Array, codes: WindowCodes) -> None:
        """Take the probability of each name in each window, by code."""
        self._chances_UK, self._codes = chances_UK, codes
        every = np.arange(codes.n_windows, dtype=np.int32)
        n = codes.n_names
        digits = [(own, other) for own in range(n) for other in range(n)]
        self._next_UKK = np.stack(
            [codes.remembered(every, np.full(1, own, np.int8), np.full(1, other, np.int8)) for own, other in digits],
            axis=1,
        ).reshape(-1, n, n)

    def course(self, start: int, to: int, committed: float, most_rounds: int = MOST_ROUNDS) -> Course:
        """Follow a population that begins with full memories of `start`; a share `committed` always chooses `to`.

        It ends when nothing changes any more, or after `most_rounds`.
        """
        share_U = np.zeros(self._codes.n_windows)
        share_U[self._codes.full_of(start)] = 1.0
        shares: list[float] = []
        for _ in range(most_rounds):
            used_U = np.flatnonzero(share_U > 1e-15)
            joint_UK = share_U[used_U, None] * self._chances_UK[used_U]
            met_K = (1 - committed) * joint_UK.sum(axis=0)
            met_K[to] += committed
            shares.append(float(met_K[to]))
            flow_UKK = joint_UK[:, :, None] * met_K
            before_U = share_U
            counted_U = np.bincount(self._next_UKK[used_U].ravel(), flow_UKK.ravel(), minlength=len(share_U))
            share_U = counted_U / float(counted_U.sum())  # what rounding adds or takes would grow from round to round
            if np.abs(share_U - before_U).max() < STILL:
                return Course(np.array(shares), True)
        return Course(np.array(shares), False)

    def critical_mass(self, start: int, to: int, precision: float = 1e-3) -> float | None:
        """Return the smallest committed share with which more than half of the answers become `to`; None if none does.

        Raised shares are assumed to help: it is found by bisection.
        """
        low, high = 0.0, 1.0
        if self._flips(start, to, low):
            return 0.0
        while high - low > precision:
            middle = (low + high) / 2
            low, high = (low, middle) if self._flips(start, to, middle) else (middle, high)
        return high

    def _flips(self, start: int, to: int, committed: float) -> bool:
        return bool(self.course(start, to, committed).share_R[-1] > 0.5)
