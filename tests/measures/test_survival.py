"""Survival curves: censoring, bounds that know units, and agreement with what is counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atp_ray.measures.courses import Course
from atp_ray.measures.results import Setting
from atp_ray.measures.survival import kaplan_meier, survival_points

SETTING = Setting("base", "policy", 8, 4, 1.0)


def course(rates, units=None) -> Course:
    rate_ER = np.array(rates, dtype=float)
    unit_E = np.arange(len(rate_ER)) if units is None else np.array(units)
    names = np.array([f"u{number}" for number in range(len(rate_ER))])
    keys = [(f"u{unit}", f"u{unit}", 0) for unit in unit_E]
    unit_ER = np.repeat(unit_E[:, None], rate_ER.shape[1], axis=1)
    return Course(SETTING, "choices", rate_ER, unit_ER, names, keys, np.full(rate_ER.shape[1], 8.0))


def test_a_curve_counts_tips_and_censors_what_did_not_tip() -> None:
    rates = [(0.9, 0.9, 0.9), (0.1, 0.9, 0.9), (0.1, 0.1, 0.1), (0.9, 0.1, 0.9)]
    points = list(survival_points("dpo", course(rates)))
    assert [(p.round, p.at_risk, p.tipped, p.censored) for p in points] == [(1, 4, 1, 0), (2, 3, 1, 0), (3, 2, 1, 1)]
    assert [p.not_tipped for p in points] == pytest.approx([0.75, 0.5, 0.25])
    assert all(p.ci_low < p.not_tipped < p.ci_high for p in points)
    assert {(p.checkpoint, p.setting, p.n_units, p.n_episodes) for p in points} == {("dpo", "n=8, t=4", 4, 4)}


def test_an_episode_that_stopped_is_censored_where_it_stopped() -> None:
    nan = np.nan
    points = list(survival_points("a", course([(0.1, nan, nan), (0.1, 0.9, 0.9), (0.2, 0.3, 0.9), (0.1, 0.9, nan)])))
    assert [(p.at_risk, p.tipped, p.censored) for p in points] == [(4, 0, 1), (3, 2, 0), (1, 1, 0)]
    # As known by hand: 1, then 1 of 3 is left, then none.
    assert [p.not_tipped for p in points] == pytest.approx([1, 1 / 3, 0])


@given(arrays(int, (4, 2), elements=st.integers(0, 5)))
def test_the_share_left_is_that_of_lifelines(counts) -> None:
    from lifelines import KaplanMeierFitter

    counts = np.vstack([[0, 0], counts]).astype(float)
    counts[-1, 0] += 1
    duration, tipped = np.nonzero(counts)
    fitted = KaplanMeierFitter().fit(duration, tipped, timeline=range(5), weights=counts[duration, tipped])
    assert kaplan_meier(counts) == pytest.approx(fitted.survival_function_.iloc[1:, 0].to_numpy())


def test_repetitions_that_go_together_are_worth_less_than_other_units() -> None:
    rates = [(0.1, 0.9)] * 5 + [(0.1, 0.1)] * 5
    apart = list(survival_points("a", course(rates)))[1]
    together = list(survival_points("a", course(rates, units=[0] * 5 + [1] * 5)))[1]
    assert (together.not_tipped, apart.not_tipped) == pytest.approx((0.5, 0.5))
    assert together.ci_high - together.ci_low > apart.ci_high - apart.ci_low


def test_where_nobody_tips_the_bound_depends_on_how_many_units_there_are() -> None:
    seven, many = (list(survival_points("a", course([(0.1, 0.1)] * n)))[-1] for n in (7, 70))
    assert (seven.ci_high, many.ci_high) == pytest.approx((1, 1))
    assert seven.ci_low < many.ci_low < 1
