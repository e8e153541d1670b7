"""Placement: every rule seats as many as asked, hubs have the most neighbours, a cluster is connected."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from some_networks import KINDS, made

from atp_ray.errors import UsageError
from atp_ray.networks.kinds import BarabasiAlbert, EdgeList, NetworkKind, Ring
from atp_ray.networks.placement import PlacementRule, place
from atp_ray.play.randomness import derive_seed

RULES: list[PlacementRule] = ["first", "last", "random", "hubs", "cluster"]
RECORDED = {
    "first": (0, 1, 2, 3), "last": (16, 17, 18, 19), "random": (1, 3, 4, 5), "hubs": (2, 5, 15, 17),
    "cluster": (16, 17, 18, 19),
}  # fmt: skip


@given(KINDS, st.sampled_from(RULES), st.integers(0, 12), st.integers(0, 9))
@settings(deadline=None, max_examples=100)
def test_as_many_seats_as_asked_the_same_for_a_seed(
    network: NetworkKind, rule: PlacementRule, count: int, seed: int
) -> None:
    found = made(network, 12, seed)
    try:
        seats = place(rule, count, found, 12, seed)
    except UsageError:
        assert rule == "cluster"
        assert largest_part(found) < count
        return
    assert len(set(seats)) == count
    assert set(seats) <= set(range(12))
    assert list(seats) == sorted(seats)
    assert seats == place(rule, count, found, 12, seed)
    if rule == "hubs" and 0 < count < 12:
        degree_A = found.degree_A
        assert degree_A[list(seats)].min() >= np.delete(degree_A, list(seats)).max()
    if rule == "cluster" and count:
        assert reached(found, seats[0], set(seats)) == set(seats)


def reached(found, start: int, allowed: set[int]) -> set[int]:
    seen, waiting = {start}, deque([start])
    while waiting:
        for seat in found.of(waiting.popleft()).tolist():
            if seat in allowed and seat not in seen:
                seen.add(seat)
                waiting.append(seat)
    return seen


def largest_part(found) -> int:
    return max(len(reached(found, seat, set(range(found.n_agents)))) for seat in range(found.n_agents))


def test_first_and_last_need_no_network() -> None:
    assert place("first", 2, None, 6, 0) == (0, 1)
    assert place("last", 2, None, 6, 0) == (4, 5)


@pytest.mark.parametrize("rule", ["random", "hubs", "cluster"])
def test_where_all_are_linked_to_all_any_seats_will_do(rule: PlacementRule) -> None:
    drawn = {place(rule, 2, None, 6, seed) for seed in range(30)}
    assert len(drawn) > 5


def test_a_cluster_on_a_ring_is_an_arc_and_lies_anywhere() -> None:
    found = made(Ring(), 100)
    starts = set()
    for seed in range(10):
        seats = np.array(place("cluster", 9, found, 100, seed))
        gaps = np.diff(np.append(seats, seats[0] + 100))
        assert sorted(gaps)[:-1] == [1] * 8
        starts.add(int(seats[np.argmax(gaps)]))
    assert len(starts) > 5


def test_hubs_of_equal_degree_are_drawn_at_random() -> None:
    assert len({place("hubs", 3, made(Ring(), 30), 30, seed) for seed in range(10)}) > 5
    order = np.random.default_rng(derive_seed("placement", "hubs", 4, bits=63)).permutation(200)
    assert place("hubs", 9, made(Ring(), 200), 200, 4) == tuple(sorted(order[:9].tolist()))
    hub = int(made(BarabasiAlbert(), 200, 1).degree_A.argmax())
    assert place("hubs", 1, made(BarabasiAlbert(), 200, 1), 200, 5) == (hub,)


def test_a_cluster_has_to_fit_into_a_connected_part() -> None:
    found = made(EdgeList(links=((0, 1), (1, 2), (4, 5))), 8)
    assert place("cluster", 3, found, 8, 0) == (0, 1, 2)
    said = "placement cluster: no 4 agents are connected: the largest connected part has 3"
    with pytest.raises(UsageError, match=said):
        place("cluster", 4, found, 8, 0)


def test_a_seed_is_the_recorded_placement() -> None:
    # Another one would mean that the cells of old runs cannot be played again.
    ring = made(Ring(), 20)
    found = {rule: place(rule, 4, ring, 20, 3) for rule in RULES}
    assert found == RECORDED


def test_a_cluster_begins_in_a_part_that_is_large_enough_and_may_be_all_of_it() -> None:
    found = made(EdgeList(links=((0, 1), (2, 3), (3, 4), (4, 5))), 6)
    for seed in range(8):
        assert place("cluster", 4, found, 6, seed) == (2, 3, 4, 5)
        assert place("cluster", 2, found, 6, seed) in {(0, 1), (2, 3), (3, 4), (4, 5)}
    with pytest.raises(UsageError) as caught:
        place("cluster", 5, found, 6, 0)
    assert str(caught.value) == (
        "placement cluster: no 5 agents are connected: the largest connected part has 4. "
        "Place fewer, or give the network more links"
    )
