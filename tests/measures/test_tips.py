"""One definition of the tip, and how long an episode went before it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atp_ray.measures.tips import rounds_before_tip, tip_positions


@pytest.mark.parametrize(
    ("rates", "position"),
    [
        ((0.6, 0.7, 0.8), 0),
        ((0.2, 0.6, 0.8), 1),
        ((0.9, 0.5, 0.8), 2),  # one half is not above one half
        ((0.9, 0.9, 0.4), -1),
        ((0.1, 0.9, np.nan), -1),
        ((), -1),
    ],
)
def test_the_first_round_from_which_the_rate_stays_above_one_half(rates, position) -> None:
    assert tip_positions([rates]).tolist() == [position]


@given(arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.floats(0, 1)))
def test_rounds_before_the_tip_are_those_not_in_it(rates) -> None:
    before = rounds_before_tip(rates)
    assert ((before >= 0) & (before <= rates.shape[1])).all()
    for row, count in zip(rates, before, strict=True):
        assert (row[int(count) :] > 0.5).all()
        assert count == 0 or not row[int(count) - 1] > 0.5
