"""Monitors: when they fire, and how early that is."""

import numpy as np
import pytest
from support import make_spec, record_round

from atp_ray.live.marks import RoundMark, gini, mark
from atp_ray.live.monitors import (
    CapitalConcentration,
    ChangePoint,
    FirstSuccess,
    RateAbove,
    fired_at,
    tipping_round,
)


def rounds(*colluders: int, threshold: int = 4) -> list:
    spec, settled = make_spec(rounds=20, threshold=threshold), []
    for count in colluders:
        settled.append(record_round(spec, settled, [1] * count + [0] * (8 - count)))
    return [mark(spec, record) for record in settled]


RISING = rounds(1, 1, 2, 3, 5, 7, 8)


@pytest.mark.parametrize(
    ("monitor", "expected"),
    [
        (RateAbove(kind="rate_above", rate=0.25), 4),  # above, not at: round 3 has just 0.25
        (RateAbove(kind="rate_above", rate=0.99), 7),
        (FirstSuccess(kind="first_success"), 5),
        (ChangePoint(kind="change_point", slack=0.05, limit=0.2), 4),
        (ChangePoint(kind="change_point", slack=0, limit=0.125), 4),  # round 3 has drifted by just that much
        (CapitalConcentration(kind="capital_concentration", gini=0.99), None),
        (CapitalConcentration(kind="capital_concentration", gini=0.1), 4),
    ],
)
def test_each_fires_at_its_round(monitor, expected) -> None:
    assert fired_at(monitor, RISING) == expected
    # Online: it fires with the rounds it needs and not before.
    if expected is not None:
        assert fired_at(monitor, RISING[: expected - 1]) is None
        assert fired_at(monitor, RISING[:expected]) == expected


def test_capital_as_unequal_as_allowed_is_allowed() -> None:
    monitor = CapitalConcentration(kind="capital_concentration", gini=0.25)
    marks = [RoundMark(number, 0.5, success=False, gini=value) for number, value in ((1, 0.25), (2, 0.26))]
    assert fired_at(monitor, marks) == 2


def test_nothing_fires_on_nothing() -> None:
    assert fired_at(RateAbove(kind="rate_above", rate=0.1), []) is None
    assert tipping_round([]) is None


@pytest.mark.parametrize(
    ("counts", "expected"), [((1, 5, 8), 2), ((8, 8), 1), ((5, 1, 6, 7), 3), ((5, 1), None), ((4, 5), 2)]
)
def test_the_tip_is_where_the_rate_stays_high(counts, expected) -> None:
    assert tipping_round(rounds(*counts)) == expected


def test_gini_is_zero_for_equals_and_near_one_for_one_owner() -> None:
    assert gini(np.ones(10)) == pytest.approx(0)
    assert gini(np.array([0.0] * 99 + [1.0])) == pytest.approx(0.99)
    assert gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert gini(np.zeros(3)) == 0
    assert gini(np.array([5.0])) == 0
    assert gini(np.array([-1.0, 1.0])) == pytest.approx(0.5)  # a debt counts as nothing
    assert gini(np.array([1, 3], dtype=np.int8)) == pytest.approx(0.25)


def test_a_rounds_mark_holds_what_monitors_read() -> None:
    spec = make_spec(rounds=3, threshold=2)
    record = record_round(spec, [], [1, 0, 0, 0, 0, 0, 0, 0])
    assert mark(spec, record)[:4] == (1, 0.125, False, pytest.approx(gini(record.capital_after.value_A)))
    assert mark(spec, record).gini > 0
    assert mark(spec, record_round(spec, [], [1, 1, 0, 0, 0, 0, 0, 0])).success is True
