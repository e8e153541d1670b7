"""Whom a seat sees: everyone else or its neighbours, never who is quarantined; one by one and for all at once."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from naming_play import naming_spec
from some_networks import KINDS
from support import make_spec

from atp_ray.networks.kinds import Complete, NetworkKind, Ring
from atp_ray.paradigms.conventions.pairing import partners_of
from atp_ray.play.actions import Action
from atp_ray.play.sight import count_others, heard_seats, seen_seats, seen_totals
from atp_ray.play.turns import PublicRound


def public(actions, hidden=()) -> PublicRound:
    return PublicRound(1, np.array(actions, dtype=np.int8), True, hidden=frozenset(hidden))


def test_without_a_network_everyone_else_is_seen() -> None:
    assert seen_seats(make_spec(n=4), public([0] * 4), 1).tolist() == [0, 2, 3]
    assert seen_seats(make_spec(n=4), public([0] * 4, hidden=[1, 3]), 1).tolist() == [0, 2]


def test_in_a_network_neighbours_are_seen() -> None:
    spec = make_spec(n=6, network=Ring())
    assert seen_seats(spec, public([0] * 6), 0).tolist() == [1, 5]
    assert seen_seats(spec, public([0] * 6, hidden=[5]), 0).tolist() == [1]
    assert count_others(spec, public([0, 1, 1, 1, 1, 3]), 0) == (1, 1, 1)


def test_of_a_pair_one_hears_the_other_unless_it_is_hidden() -> None:
    spec = naming_spec(n_agents=5, seed=4)
    partner_A = partners_of(spec, 2)
    for seat, partner in enumerate(partner_A.tolist()):
        heard = [heard_seats(spec, 2, frozenset(hidden), seat) for hidden in ((), {partner})]
        assert [seats.tolist() for seats in heard] == [[partner] if partner >= 0 else [], []]
        assert {seats.dtype for seats in heard} == {np.dtype(np.int64)}


@given(
    st.one_of(KINDS, st.just(Complete())),
    st.lists(st.sampled_from(list(Action)), min_size=12, max_size=12),
    st.sets(st.integers(0, 11), max_size=4),
    st.lists(st.integers(0, 11), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=60)
def test_all_seats_at_once_see_what_each_one_does(network: NetworkKind, actions, hidden, seats) -> None:
    spec, seen = make_spec(n=12, network=network), public(actions, hidden)
    deviant_S = seen_totals(spec, seen, seen.actions_A == Action.DEVIANT, seats)
    aligned_S = seen_totals(spec, seen, seen.actions_A == Action.ALIGNED, seats)
    each = [count_others(spec, seen, seat) for seat in seats]
    assert deviant_S.tolist() == [count.n_deviant for count in each]
    assert (deviant_S + aligned_S).tolist() == [count.n_decided for count in each]
