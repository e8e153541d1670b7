"""What meetings pay, and what a round of them is settled to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naming_play import naming_spec, said, settle_all

from atp_ray.paradigms.conventions.pairing import partners_of
from atp_ray.paradigms.conventions.settlement import meetings_of, points_of
from atp_ray.play.actions import Action
from atp_ray.play.rounds import settle_round


def test_the_same_name_pays_both_and_another_costs_both() -> None:
    option_A, partner_A = np.array([1, 1, 0, 2, 0], dtype=np.int8), np.array([1, 0, 3, 2, -1])
    met = meetings_of(option_A, partner_A)
    assert met.met_A.tolist() == [True, True, True, True, False]
    assert met.agreed_A.tolist() == [True, True, False, False, False]
    assert points_of(met, 100, -50).tolist() == [100, 100, -50, -50, 0]


def test_nobody_is_paid_where_one_of_them_gave_no_readable_name() -> None:
    met = meetings_of(np.array([1, -1, -1, -1], dtype=np.int8), np.array([1, 0, 3, 2]))
    assert not met.met_A.any()
    assert points_of(met, 100, -50).tolist() == [0, 0, 0, 0]


@given(st.integers(2, 9), st.sampled_from(("asynchronous", "synchronous")), st.integers(0, 1000), st.data())
def test_only_pairs_are_settled_and_points_add_up(n_agents, pairing, seed, data) -> None:
    spec = naming_spec(n_agents=n_agents, pairing=pairing, seed=seed)
    option = st.integers(-1, 1)
    rounds = data.draw(st.lists(st.lists(option, min_size=n_agents, max_size=n_agents), min_size=1, max_size=4))
    settled, total_A = settle_all(spec, rounds), np.zeros(n_agents)
    for record, options in zip(settled, rounds, strict=True):
        partner_A = partners_of(spec, record.round)
        for seat, partner in enumerate(partner_A.tolist()):
            if partner < 0 or -1 in (options[seat], options[partner]):
                assert record.reward_A[seat] == 0
            else:
                assert record.reward_A[seat] == (100 if options[seat] == options[partner] else -50)
        total_A += record.reward_A
        assert record.capital_after.value_A.tolist() == total_A.tolist()
        assert record.success is None


def test_what_was_said_last_stands_and_pays_nothing_more() -> None:
    spec = naming_spec(n_agents=6, pairing="asynchronous")
    first, second = settle_all(spec, [[0] * 6, [1] * 6])
    partner_A, later_A = partners_of(spec, 1), partners_of(spec, 2)
    labels = [Action(code).label for code in first.decisions.action_A]
    assert labels == ["idle" if partner < 0 else "deviant" for partner in partner_A]
    expected = [1 if later_A[seat] >= 0 else 0 if partner_A[seat] >= 0 else -1 for seat in range(6)]
    assert second.decisions.options_A.tolist() == expected
    assert second.reward_A.tolist() == [100 if later_A[seat] >= 0 else 0 for seat in range(6)]


@pytest.mark.parametrize("points", [(10.0, -5.0), (3.0, 2.0)])
def test_points_are_those_of_the_request(points) -> None:
    spec = naming_spec(n_agents=2, success=points[0], failure=points[1])
    assert settle_round(spec, [], said([0, 0])).reward_A.tolist() == [points[0]] * 2
    assert settle_round(spec, [], said([0, 1])).reward_A.tolist() == [points[1]] * 2
