"""An infinite population of fitted responders: what it remembers, where it comes to rest, and what flips it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atp_ray.responses.features import Array
from atp_ray.responses.population import FLIP_WINDOW, Game
from atp_ray.responses.responder import Responder
from atp_ray.responses.resting import RestingCurve, resting_curve

MOST_ROUNDS = 20_000
MOST_FOLLOWED = 2**17  # windows whose shares are followed
MOST_SOLVED = 2**10  # windows of which resting states are solved for
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

    def __init__(self, responder: Responder) -> None:
        """Take what answers.

        Raises:
            UsageError: it has too many different windows for a table.
        """
        self._chances_UK, self._codes = responder.table_UK, responder.codes
        codes, n = responder.codes, responder.codes.n_names
        every = np.arange(codes.n_windows, dtype=codes.dtype)
        digits = [(own, other) for own in range(n) for other in range(n)]
        self._next_UKK = np.stack(
            [codes.remembered(every, np.full(1, own, np.int8), np.full(1, other, np.int8)) for own, other in digits],
            axis=1,
        ).reshape(-1, n, n)

    @classmethod
    def of(cls, responder: Responder) -> MeanField | None:
        """Return that of a responder; None where there are too many windows to follow."""
        return cls(responder) if responder.codes.n_windows <= MOST_FOLLOWED else None

    def course(
        self, start: int, to: int, committed: float, most_rounds: int = MOST_ROUNDS, over: float = 0.0
    ) -> Course:
        """Follow a population that begins with full memories of `start`; a share `committed` always chooses `to`.

        It ends when nothing changes any more, or after `most_rounds`.

        Args:
            over: share of the memories that begin full of `to` instead.
        """
        share_U = np.zeros(self._codes.n_windows)
        share_U[self._codes.full_of(start)] = 1.0 - over
        share_U[self._codes.full_of(to)] += over
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

    def flips(self, game: Game, committed: float) -> bool:
        """Return whether it has flipped when each agent has met as many others as in a game of pairs."""
        rounds = max(1, round(2 * game.n_interactions / game.n_agents))
        share_R = self.course(game.start, game.to, committed, rounds).share_R
        share_R = np.pad(share_R, (0, rounds - len(share_R)), mode="edge")  # it rests
        return bool(share_R[-2 * FLIP_WINDOW :].mean() > 0.5)

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

    def resting(self, to: int) -> RestingCurve | None:
        """Return all resting states; None with more than two names, or too many full windows to solve for.

        With two names what is met is one number, and an agent that meets it for long is a Markov chain by itself, whose
        stationary state says what it answers.
        """
        n, codes = self._codes.n_names, self._codes
        n_full = n ** (2 * codes.memory)
        if n != 2 or n_full > MOST_SOLVED:
            return None
        own_UH, _ = codes.windows()
        full_F = np.flatnonzero((own_UH >= 0).all(axis=1))
        place_U = np.zeros(codes.n_windows, dtype=np.int64)
        place_U[full_F] = np.arange(n_full)
        next_FKK, chances_FK = place_U[self._next_UKK[full_F]], self._chances_UK[full_F]
        rows_F = np.arange(n_full)

        def answers(share: float) -> float:
            met_K = np.where(np.arange(2) == to, share, 1 - share)
            balance = np.eye(n_full)
            for own in range(2):
                for other in range(2):
                    np.subtract.at(balance, (next_FKK[:, own, other], rows_F), chances_FK[:, own] * met_K[other])
            balance[-1] = 1.0  # the shares add up to one
            held_F = np.linalg.solve(balance, np.eye(n_full)[-1])
            return float(np.clip(held_F @ chances_FK[:, to], 0, 1))

        return resting_curve(answers)
