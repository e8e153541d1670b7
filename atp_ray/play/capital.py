"""What seats own: in the games in units of the starting capital, elsewhere the income so far."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class Capital(NamedTuple):
    """Capital after a round: `value_A` and its natural logarithm `log_A`.

    In the games the unit is the starting capital; elsewhere it is the income so far (dollars, or minus cost units).

    The logarithm is carried on its own, as thousands of multiplicative rounds under- or overflow the value. Where
    rewards add up it is the logarithm of the value, -inf where that is not positive.
    """

    value_A: FloatArray
    log_A: FloatArray


def starting_capital(n_agents: int) -> Capital:
    """Return capital 1 for each of `n_agents` seats."""
    return Capital(np.ones(n_agents), np.zeros(n_agents))


def no_income(n_agents: int) -> Capital:
    """Return the capital 0 from which incomes add up, for each of `n_agents` seats."""
    return Capital(np.zeros(n_agents), np.full(n_agents, -np.inf))


def add_income(capital: Capital, income_A: FloatArray) -> Capital:
    """Return the capital after an income (or, negative, a cost) for each seat."""
    value_A = capital.value_A + income_A
    with np.errstate(divide="ignore"):
        return Capital(value_A, np.log(np.maximum(value_A, 0.0)))
