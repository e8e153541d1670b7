"""From which round on a population stands by one option."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from naming_play import said
from naming_runs import some, trees
from support import make_spec, record_round

from atp_ray.measures.convergence import CONVERGED_SHARE, NOBODY, Convergence, Leader, convergence, leader
from atp_ray.play.actions import Action

LEADERS = st.lists(st.tuples(st.sampled_from("MQ"), st.sampled_from([0.5, 0.94, 0.95, 1.0])).map(lambda e: Leader(*e)))


@pytest.mark.parametrize(
    ("leaders", "found"),
    [
        ([], None),
        ([NOBODY], None),
        ([("M", 1.0)], (1, "M")),
        ([("M", 0.5), ("M", 0.95), ("M", 1.0)], (2, "M")),
        ([("M", 1.0), ("M", 0.94), ("M", 1.0)], (3, "M")),
        ([("M", 1.0), ("M", 1.0), ("Q", 1.0)], (3, "Q")),
        ([("M", 1.0), ("M", 1.0), ("M", 0.9)], None),
        ([NOBODY, ("M", 1.0)], (2, "M")),
    ],
)
def test_it_is_the_first_round_from_which_it_stays(leaders, found) -> None:
    expected = None if found is None else Convergence(*found)
    assert convergence([Leader(*entry) for entry in leaders]) == expected


@given(LEADERS)
def test_every_round_from_there_has_it_and_the_one_before_has_not(leaders: list[Leader]) -> None:
    found = convergence(leaders)
    holds = [entry.option == leaders[-1].option and entry.share >= CONVERGED_SHARE for entry in leaders]
    if found is None:
        assert not holds or not holds[-1]
    else:
        assert all(holds[found.round - 1 :])
        assert found.round == 1 or not holds[found.round - 2]
        assert found.option == leaders[-1].option


def test_fixed_seats_and_seats_not_asked_yet_belong_to_the_population() -> None:
    spec = trees(n=4, committed=1)
    assert leader(spec, said([0, 1, 1, 1])) == Leader("elm", 0.75)
    assert leader(spec, some(spec, {1: 1, 2: 1})) == Leader("elm", 0.5)
    assert leader(spec, some(spec, {})) == NOBODY


def test_undecided_turns_are_left_out_and_two_options_are_options_too() -> None:
    spec = make_spec(n=4, rounds=1)
    record = record_round(spec, [], [Action.DEVIANT, Action.DEVIANT, Action.UNPARSED, Action.MISSING])
    assert leader(spec, record.decisions) == Leader("share information", 1.0)


def test_of_equals_the_first_named_leads_and_the_share_needed_may_be_another() -> None:
    spec = trees(n=4)
    assert leader(spec, said([2, 1, 2, 1])) == Leader("elm", 0.5)
    assert leader(spec, said([-1, 2, 2, 1])) == Leader("oak", 2 / 3)
    rising = [Leader("M", share) for share in (0.6, 0.75, 0.8)]
    assert convergence(rising) is None
    assert [convergence(rising, share) for share in (0.8, 0.75, 0.6)] == [(3, "M"), (2, "M"), (1, "M")]
