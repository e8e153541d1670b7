"""What seats own before anything happened, and after an income."""

import numpy as np
import pytest

from atp_ray.play.capital import add_income, no_income, starting_capital


def test_games_begin_with_one_and_incomes_with_nothing() -> None:
    one, nothing = starting_capital(2), no_income(2)
    assert (one.value_A.tolist(), one.log_A.tolist()) == ([1.0, 1.0], [0.0, 0.0])
    assert (nothing.value_A.tolist(), nothing.log_A.tolist()) == ([0.0, 0.0], [-np.inf, -np.inf])


def test_incomes_and_costs_add_up_and_what_is_not_positive_has_no_logarithm() -> None:
    after = add_income(add_income(no_income(4), np.array([2.0, -3.0, 0.5, 1.0])), np.array([3.0, 1.0, 0.0, -1.0]))
    assert after.value_A.tolist() == [5.0, -2.0, 0.5, 0.0]
    assert after.log_A.tolist() == pytest.approx([np.log(5), -np.inf, np.log(0.5), -np.inf])
