"""Design effects: variances compared, between the bounds that they have by meaning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from atp_ray.measures.beta_binomial import Units
from atp_ray.measures.design_effects import design_limits, effect_within


def within(k_US, size: int = 8) -> float:
    k = np.array(k_US, dtype=float)
    units = Units(k.sum(axis=1), np.full(len(k), float(size * k.shape[1])))
    unit_E = np.repeat(np.arange(len(k)), k.shape[1])
    return effect_within(k.ravel(), np.full(k.size, float(size)), unit_E, units)


def test_episodes_that_go_one_way_are_worth_one_decision_and_independent_ones_all_theirs() -> None:
    rng = np.random.default_rng(0)
    assert within(8 * rng.binomial(1, 0.4, (7, 50))) == pytest.approx(8, rel=0.05)
    assert within(rng.binomial(8, 0.4, (7, 50))) == pytest.approx(1, abs=0.15)
    # What differs between units is no likeness within episodes.
    assert within(rng.binomial(8, np.linspace(0.1, 0.9, 7)[:, None], (7, 50))) == pytest.approx(1, abs=0.15)
    assert within([[4, 4], [4, 4]]) == 1
    # Nothing to measure it from, and hardly anything.
    assert within([[8, 8], [0, 0]]) == 8
    assert 1 < within([[1, 0, 0], [0, 0, 0]]) < within([[2, 0, 0], [0, 0, 0]]) < 8


@given(st.lists(st.lists(st.integers(0, 8), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_effect_is_between_one_and_the_decisions_of_an_episode(k_US) -> None:
    assert 1 <= within(k_US) <= 8


def test_alike_units_give_wilsons_limits_and_differing_ones_wider() -> None:
    size, groups = np.full(400, 10.0), 400
    alike = design_limits(Units(np.tile([5.0, 6.0], groups // 2), size), 0.95)
    wilson = binomtest(2200, 4000).proportion_ci(method="wilson")
    assert alike == pytest.approx((wilson.low, wilson.high), abs=1e-9)
    k = 10.0 * np.random.default_rng(0).binomial(1, 0.5, groups)
    rate, half = k.mean() / 10, 1.966 * k.std(ddof=1) / 10 / np.sqrt(groups)
    assert design_limits(Units(k, size), 0.95) == pytest.approx((rate - half, rate + half), abs=2e-3)


def test_where_no_effect_can_be_measured_nothing_is_claimed() -> None:
    assert design_limits(Units(np.zeros(30), np.full(30, 8.0)), 0.95) == (0, 0)
    assert design_limits(Units(np.array([3.0]), np.array([8.0])), 0.95) == (0.375, 0.375)


def test_unequal_units_by_hand() -> None:
    # Two units of 12 and 6 decisions, a third and a half of them deviant; three and two episodes.
    units = Units(np.array([4.0, 3.0]), np.array([12.0, 6.0]))
    k, n, unit = np.array([0.0, 3.0, 1.0, 3.0, 0.0]), np.array([4.0, 5.0, 3.0, 3.0, 3.0]), np.array([0, 0, 0, 1, 1])
    squares = (4 / 3) ** 2 + (3 - 5 / 3) ** 2 + 0 + 1.5**2 + 1.5**2
    binomial = 12 * (1 / 3) * (2 / 3) * 2 / 3 + 6 / 4 / 2
    assert effect_within(k, n, unit, units) == pytest.approx((squares + 0.25 * 3.6) / (binomial + 0.25))
    # Between the units: their rates differ from 7 / 18 by a variance of 2 * (2 * (2 / 3)^2) / 18^2; t of one degree.
    low, high = design_limits(units, 0.9)
    inflated = (6.313751514675041 / 1.6448536269514722) ** 2 * 2 * 2 * (2 / 3) ** 2 / 18**2
    size = 18 / (inflated * 18 / (7 / 18 * 11 / 18))
    wilson = binomtest(7, 18)
    assert size < 18
    assert low < wilson.proportion_ci(0.9, "wilson").low < wilson.proportion_ci(0.9, "wilson").high < high
    z = 1.6448536269514722
    middle = (7 / 18 + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * np.sqrt(7 / 18 * 11 / 18 / size + z * z / (4 * size**2))
    assert (low, high) == pytest.approx((middle - half, middle + half))
    assert design_limits(Units(np.array([1.0, 9.0]), np.array([10.0, 10.0])), 0.999) == pytest.approx((0, 1), abs=0.01)
    assert design_limits(Units(np.array([8.0, 8.0]), np.array([8.0, 8.0])), 0.95) == (1, 1)
