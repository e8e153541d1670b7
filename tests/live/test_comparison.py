"""Differences of branches against an independent computation."""

import numpy as np
import pytest
from scipy.stats import ttest_rel
from support import make_spec, record_round

from atp_ray.live.comparison import differences
from atp_ray.live.marks import RoundMark, mark


def branch(*rates_of_eight: int):
    spec, records = make_spec(rounds=len(rates_of_eight)), []
    for deviant in rates_of_eight:
        records.append(record_round(spec, records, [1] * deviant + [0] * (8 - deviant)))
    return [mark(spec, record) for record in records]


def test_differences_are_those_of_a_paired_t_test() -> None:
    without = [branch(4, 6, 8), branch(4, 5, 7), branch(4, 7, 7)]
    with_ = [branch(4, 4, 2), branch(4, 5, 3), branch(4, 5, 1)]
    found = differences(without, with_, after=1)
    assert [row.round for row in found] == [2, 3]
    for index, row in enumerate(found, start=1):
        base, changed = (
            np.array([[round.rate for round in marks] for marks in group])[:, index] for group in (without, with_)
        )
        interval = ttest_rel(changed, base).confidence_interval(0.95)
        assert row.difference == pytest.approx((changed - base).mean())
        assert (row.low, row.high) == pytest.approx((max(-1, interval.low), min(1, interval.high)))
        assert (row.without, row.with_, row.n_pairs) == pytest.approx((base.mean(), changed.mean(), 3))


def test_only_rounds_that_all_have_played_are_compared_and_one_pair_has_no_interval() -> None:
    (only,) = differences([branch(4, 6)], [branch(4, 2, 1)], after=1)
    assert (only.round, only.difference, only.low, only.high, only.n_pairs) == (2, -0.5, None, None, 1)
    assert differences([], [], after=0) == []


def marks(*rates: float) -> list[RoundMark]:
    return [RoundMark(number, rate, success=False, gini=0.0) for number, rate in enumerate(rates, start=1)]


def test_at_most_so_many_rounds_after_the_branch_are_compared() -> None:
    without, with_ = [marks(0.5, 0.5, 0.5, 0.5)] * 2, [marks(0.5, 0.25, 0.25, 0.25)] * 2
    assert [row.round for row in differences(without, with_, after=1)] == [2, 3, 4]
    assert [row.round for row in differences(without, with_, after=1, limit=2)] == [2, 3]
    assert [row.round for row in differences(without, with_, after=0, limit=9)] == [1, 2, 3, 4]
    assert differences(without, with_, after=4) == []
    assert [row[1:] for row in differences(without, with_, after=1, limit=1)] == [(0.5, 0.25, -0.25, -0.25, -0.25, 2)]


def test_pairs_in_which_nothing_was_decided_are_left_out() -> None:
    nan = float("nan")
    without, with_ = [marks(nan, 0.25), marks(0.5, nan), marks(0.5, nan)], [marks(1, 0.5), marks(nan, 0.5), marks(1, 1)]
    assert differences(without, with_, after=0) == [
        (1, 0.5, 1.0, 0.5, None, None, 1), (2, 0.25, 0.5, 0.25, None, None, 1),
    ]  # fmt: skip
    assert differences([marks(nan, 0.5)], [marks(0.5, 1)], after=0) == [(2, 0.5, 1.0, 0.5, None, None, 1)]


def test_limits_stay_among_differences_that_are_possible() -> None:
    (wide,) = differences([marks(0.0), marks(1.0)], [marks(1.0), marks(0.0)], after=0)
    assert (wide.difference, wide.low, wide.high) == (0, -1, 1)
    (two,) = differences([marks(0.5), marks(0.5)], [marks(0.5), marks(0.52)], after=0)
    assert (two.low, two.high) == pytest.approx((0.01 - 12.706204736 * 0.01, 0.01 + 12.706204736 * 0.01))
