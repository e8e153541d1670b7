"""Fixed seats are where a rule puts them; everyone else keeps checkpoint and order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from some_networks import KINDS, made
from support import make_spec

from atp_ray.errors import UsageError
from atp_ray.measures.rates import studied_seats
from atp_ray.networks.kinds import BarabasiAlbert, Complete, NetworkKind, Ring
from atp_ray.networks.placement import place
from atp_ray.play.episodes import SeatGroup
from atp_ray.play.seating import placed
from atp_ray.storage.rows import population_label

MIXED = (
    SeatGroup(checkpoint="a", count=4),
    SeatGroup(checkpoint="policy:collude", count=2),
    SeatGroup(checkpoint="b", count=5),
    SeatGroup(checkpoint="policy:refrain", count=1),
)


def players(groups) -> list[str]:
    return [group.checkpoint for group in groups for _ in range(group.count)]


@given(KINDS, st.sampled_from(["first", "last", "random", "hubs"]), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_the_same_agents_in_another_order(network: NetworkKind, rule, seed: int) -> None:
    seated = players(placed(MIXED, rule, network, seed, "here"))
    assert sorted(seated) == sorted(players(MIXED))
    assert [name for name in seated if not name.startswith("policy")] == ["a"] * 4 + ["b"] * 5
    assert [name for name in seated if name.startswith("policy")] == ["policy:collude"] * 2 + ["policy:refrain"]


def test_first_and_last() -> None:
    assert players(placed(MIXED, "first", Complete(), 0, "here"))[:3] == ["policy:collude"] * 2 + ["policy:refrain"]
    assert players(placed(MIXED, "last", Complete(), 0, "here"))[9:] == ["policy:collude"] * 2 + ["policy:refrain"]


def test_hubs_are_those_of_the_episodes_own_network() -> None:
    seats = (SeatGroup(checkpoint="policy:collude", count=1), SeatGroup(checkpoint="policy:quantal", count=99))
    for seed in range(3):
        groups = placed(seats, "hubs", BarabasiAlbert(), seed, "here")
        hub = int(made(BarabasiAlbert(), 100, seed).degree_A.argmax())
        spec = make_spec(n=100, seats=groups, network=BarabasiAlbert(), seed=seed)
        assert [seat for seat, studied in enumerate(studied_seats(spec)) if not studied] == [hub]


def test_nobody_to_place_is_refused() -> None:
    with pytest.raises(UsageError, match="here: placement hubs: there is nobody to place"):
        placed((SeatGroup(checkpoint="tiny", count=8),), "hubs", Ring(), 0, "here")


def test_many_scattered_seats_are_told_by_their_number() -> None:
    seats = (SeatGroup(checkpoint="policy:collude", count=30), SeatGroup(checkpoint="policy:quantal", count=70))
    spec = make_spec(n=100, seats=placed(seats, "random", Complete(), 0, "here"))
    assert population_label(spec) in (
        "policy:collude:30,policy:quantal:70", "policy:quantal:70,policy:collude:30",
    )  # fmt: skip
    assert population_label(make_spec(n=100, seats=seats)) == "policy:collude:30,policy:quantal:70"


def test_a_cluster_is_one_of_the_episodes_own_network_and_seats_are_drawn_by_its_seed() -> None:
    found = {}
    for seed in (1, 2):
        seated = players(placed(MIXED, "cluster", Ring(), seed, "here"))
        fixed = tuple(seat for seat, name in enumerate(seated) if name.startswith("policy"))
        assert fixed == place("cluster", 3, made(Ring(), 12, seed), 12, seed)
        found[seed] = players(placed(MIXED, "random", Ring(), seed, "here"))
    assert found[1] != found[2]
    with pytest.raises(UsageError, match="Set fixed_colluders, or give some of the players' seats to policy:collude"):
        placed((SeatGroup(checkpoint="tiny", count=8),), "hubs", Ring(), 0, "here")
