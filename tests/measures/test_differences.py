"""Paired differences: symmetric, blind to the order of units, cautious where nothing varies; Holm as in statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests

from atp_ray.measures.differences import (
    MeanDifference,
    holm,
    independent_variance,
    mean_difference,
    resolution_of,
    share_variance,
)

rates = st.integers(0, 8).map(lambda k: k / 8)
units = arrays(float, st.integers(2, 12), elements=rates)
of_settings = arrays(float, (5, 7), elements=rates)


@given(units, st.randoms())
def test_the_other_way_round_is_the_negative_and_the_order_of_units_does_not_matter(difference_U, random) -> None:
    found, other = mean_difference(difference_U, 0.01), mean_difference(-difference_U, 0.01)
    assert other.mean == -found.mean
    assert other.p_value() == pytest.approx(found.p_value())
    assert [-end for end in other.interval(1)[::-1]] == pytest.approx(found.interval(1))
    shuffled = difference_U.tolist()
    random.shuffle(shuffled)
    assert mean_difference(shuffled, 0.01).p_value() == pytest.approx(found.p_value())


def test_it_is_the_paired_t_test_which_is_not_the_unpaired_one() -> None:
    base, other = np.array([0.1, 0.5, 0.9, 0.4]), np.array([0.2, 0.55, 1.0, 0.55])
    found = mean_difference(other - base)
    assert found.p_value() == pytest.approx(stats.ttest_rel(other, base).pvalue)
    assert found.interval() == pytest.approx(tuple(stats.ttest_rel(other, base).confidence_interval()))
    assert found.p_value() < 0.05 < stats.ttest_ind(other, base).pvalue
    assert found.p_value(direction=1) == pytest.approx(found.p_value() / 2)
    assert found.p_value(direction=-1) == pytest.approx(1 - found.p_value() / 2)
    assert found.p_value(against=0.1) == pytest.approx(stats.ttest_1samp(other - base, 0.1).pvalue)


@pytest.mark.parametrize("resolution", [0.0, resolution_of(56, 56)])
def test_without_a_difference_and_without_variance_p_is_1(resolution) -> None:
    found = mean_difference(np.zeros(7), resolution)
    assert found.p_value() == 1
    low, high = found.interval(1)
    assert (low < 0 < high) == (resolution > 0)  # two checkpoints at 100 % may still differ a little


def test_the_same_difference_in_every_unit_is_no_certainty() -> None:
    low, high = mean_difference(np.full(7, -1.0), resolution_of(56, 56)).interval(1)
    assert low == -1 < high
    assert mean_difference(np.full(7, -1.0), resolution_of(8, 8)).interval(1)[1] > high


def test_one_unit_says_nothing_of_how_units_differ() -> None:
    found = mean_difference([0.5])
    assert found.mean == 0.5
    assert np.isnan([found.p_value(), *found.interval()]).all()


@given(of_settings)
def test_shared_variances_leave_the_differences_and_favour_no_side(difference_KU) -> None:
    alone = mean_difference(difference_KU, 0.02)
    shared = share_variance(alone, 0.005)
    assert (shared.mean == alone.mean).all()
    assert (shared.error > 0).all()
    assert (shared.freedom > alone.freedom).all()
    other = share_variance(mean_difference(-difference_KU, 0.02), 0.005)
    assert other.p_value() == pytest.approx(shared.p_value())
    reverse = share_variance(mean_difference(difference_KU[::-1], 0.02), 0.005)
    assert reverse.p_value()[::-1] == pytest.approx(shared.p_value())


def test_settings_whose_variances_scatter_share_less() -> None:
    rng = np.random.default_rng(0)
    noise_KU = rng.normal(0, 1, (20, 7))
    alike = share_variance(mean_difference(noise_KU), 1 / 7)
    scattered = share_variance(mean_difference(noise_KU * np.logspace(-1, 1, 20)[:, None]), 1 / 7)
    assert (scattered.freedom > 6).all()
    assert (scattered.freedom < alike.freedom / 3).all()
    assert alike.freedom.max() <= 6 + 0.5 * 19 * 6
    # A small variance is raised to the others', a large one lowered.
    alone = mean_difference(noise_KU)
    assert np.ptp(alike.error) < 0.6 * np.ptp(alone.error)


def test_few_settings_and_settings_without_a_variance_are_left_as_they_are() -> None:
    two = mean_difference(np.random.default_rng(0).random((2, 7)))
    assert share_variance(two, 0.01) is two
    four = mean_difference(np.random.default_rng(0).random((4, 7)))
    lone = MeanDifference(
        four.mean, np.where(np.arange(4) == 1, np.nan, four.error), four.freedom * (np.arange(4) != 1)
    )
    shared = share_variance(lone, 0.01)
    assert np.isnan(shared.error[1])
    assert shared.freedom[1] == 0
    assert np.isfinite(np.delete(shared.error, 1)).all()


def test_a_rate_of_0_or_1_has_a_variance() -> None:
    assert (independent_variance([0, 0.5, 1], 56) > 0).all()
    assert independent_variance(0.5, 1e6) == pytest.approx(0.25 / 1e6)


@pytest.mark.slow
@settings(max_examples=5)  # statsmodels collects garbage each time
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array))
def test_holm_is_as_in_statsmodels_and_keeps_the_order(p) -> None:
    adjusted = holm(p)
    assert adjusted == pytest.approx(multipletests(p, method="holm")[1])
    assert (adjusted >= p).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_what_was_not_tested_counts_in_the_family_and_stays_untested() -> None:
    assert holm([0.01, np.nan]) == pytest.approx([0.02, np.nan], nan_ok=True)
    assert holm([[0.01, 0.04], [0.5, 0.5]]) == pytest.approx(np.array([[0.02, 0.04], [1, 1]]))
