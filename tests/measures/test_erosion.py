"""Erosion of known drops, and what is said where a ratio cannot be known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_ray.measures.erosion import erosion

NOISE = np.array([-0.05, 0.02, 0.03, 0.0, -0.02, 0.04, -0.02])


@pytest.mark.parametrize(("left", "expected"), [(0.4, 0.0), (0.1, 0.75), (0.0, 1.0), (-0.1, 1.25), (0.6, -0.5)])
def test_the_share_of_the_drop_that_is_gone(left, expected) -> None:
    found = erosion(0.4 + NOISE, left + NOISE[::-1])
    assert found.estimate == pytest.approx(expected)
    assert found.low < found.estimate < found.high
    assert found.note is None


def test_the_interval_is_that_of_a_bootstrap_over_many_units() -> None:
    rng = np.random.default_rng(0)
    first, last = rng.normal(0.4, 0.2, 400), rng.normal(0.1, 0.2, 400)
    found = erosion(first, last)
    drawn = rng.integers(0, 400, (4000, 400))
    low, high = np.quantile(1 - last[drawn].mean(axis=1) / first[drawn].mean(axis=1), [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_it_is_only_a_ratio_of_both_drops() -> None:
    found, scaled = erosion(0.4 + NOISE, 0.1 + NOISE), erosion(2 * (0.4 + NOISE), 2 * (0.1 + NOISE))
    assert scaled[:3] == pytest.approx(found[:3])


@given(st.permutations(range(7)))
def test_the_order_of_units_does_not_matter_but_their_pairing_does(order) -> None:
    first, last = 0.4 + NOISE, 0.2 + 2 * NOISE
    found = erosion(first, last)
    assert erosion(first[list(order)], last[list(order)])[:3] == pytest.approx(found[:3])
    opposed = erosion(first, 0.2 - 2 * NOISE)
    assert opposed.high - opposed.low > found.high - found.low  # drops that go together cancel in their ratio


def test_a_drop_that_is_not_clearly_there_leaves_the_ratio_unbounded_and_says_so() -> None:
    found = erosion(0.02 + NOISE, 0.01 + NOISE[::-1])
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert "not clearly there" in found.note


def test_without_a_drop_there_is_nothing_to_erode() -> None:
    assert erosion(NOISE - 0.1, NOISE) == (None, None, None, "no drop in round 1")
    assert erosion(np.zeros(7), NOISE).estimate is None


def test_units_that_all_do_the_same_are_no_certainty() -> None:
    found = erosion(np.full(7, 0.5), np.full(7, 0.25), 0.025, 0.025)
    assert found.estimate == 0.5
    assert found.low < 0.5 - 0.05
    assert found.high > 0.5 + 0.05
    assert erosion([0.5], [0.25])[:3] == (0.5, None, None)
