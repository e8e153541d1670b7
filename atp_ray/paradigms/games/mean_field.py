"""A game as if its number of agents were infinite: the share that colludes, round by round, and where it rests."""

from __future__ import annotations

import numpy as np

from atp_ray.paradigms.games.chain import NOBODY, Fixed
from atp_ray.paradigms.games.quantal import FloatArray, GameResponse
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.responses.resting import RestingCurve, resting_curve

POINTS = 401


def answered(response: GameResponse, numbers: GameNumbers, share: float) -> float:
    """Return the share of free seats that collude after a round in which `share` of all seats did."""
    others = numbers.n_agents - 1.0
    success = share * numbers.n_agents >= numbers.threshold - 1e-9
    (chance,) = response.collude_probability(numbers, np.array([share * others]), np.array([others]), success)
    return float(chance)


def course(response: GameResponse, numbers: GameNumbers, rounds: int, fixed: Fixed = NOBODY) -> FloatArray:
    """Return the share of the free seats that collude, by round [R]."""
    n = numbers.n_agents
    (first,) = response.collude_probability(numbers)
    shares = [float(first)]
    for _ in range(rounds - 1):
        of_all = (fixed.colluding + fixed.free(n) * shares[-1]) / n
        shares.append(answered(response, numbers, of_all))
    return np.array(shares)


def resting(response: GameResponse, numbers: GameNumbers) -> RestingCurve:
    """Return where it rests: share of colluders among all seats, by the share of fixed colluders."""
    jump = numbers.threshold / numbers.n_agents
    return resting_curve(lambda share: answered(response, numbers, share), (jump,), POINTS, of_free=True)
