"""Networks: links go both ways, degrees are those of the kind, a seed gives one network, wrong numbers are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from some_networks import KINDS, made

from atp_ray.errors import UsageError
from atp_ray.networks import by_arrays
from atp_ray.networks.edge_files import opened
from atp_ray.networks.kinds import (
    BarabasiAlbert,
    Complete,
    EdgeList,
    Lattice,
    NetworkKind,
    Ring,
    StochasticBlock,
    WattsStrogatz,
    require_fits,
)
from atp_ray.networks.neighbours import Neighbours, from_pairs, neighbours, require_partners
from atp_ray.networks.texts import Network, read_network, split_networks


class Holder(BaseModel):
    network: Network


def links(found: Neighbours) -> set[tuple[int, int]]:
    return {(seat, int(other)) for seat in range(found.n_agents) for other in found.of(seat)}


def same(one: Neighbours, other: Neighbours) -> bool:
    return all(np.array_equal(mine, yours) for mine, yours in zip(one, other, strict=True))


@given(KINDS, st.sampled_from([8, 12, 30]), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_links_go_both_ways_and_nobody_is_linked_to_itself(network: NetworkKind, n_agents: int, seed: int) -> None:
    found = made(network, n_agents, seed)
    every = links(found)
    assert every == {(other, seat) for seat, other in every}
    assert all(seat != other for seat, other in every)
    assert len(every) == len(found.indices) == found.degree_A.sum()
    assert all((np.diff(found.of(seat)) > 0).all() for seat in range(n_agents))


@given(KINDS, st.sampled_from([9, 30]), st.integers(0, 3))
@settings(deadline=None, max_examples=30)
def test_a_seed_gives_one_network(network: NetworkKind, n_agents: int, seed: int) -> None:
    assert same(made(network, n_agents, seed), made(network, n_agents, seed))


@pytest.mark.parametrize("network", [WattsStrogatz(p=0.5), BarabasiAlbert(), StochasticBlock(p_in=0.5, p_out=0.1)])
def test_another_seed_gives_another_network(network: NetworkKind) -> None:
    assert not same(made(network, 40, seed=1), made(network, 40, seed=2))


@given(KINDS, st.integers(8, 30))
@settings(deadline=None, max_examples=40)
def test_sums_are_over_neighbours(network: NetworkKind, n_agents: int) -> None:
    if network.problem(n_agents):
        return
    found = made(network, n_agents)
    value_A = np.arange(n_agents) ** 2
    assert found.sums(value_A).tolist() == [value_A[found.of(seat)].sum() for seat in range(n_agents)]


def test_a_ring_and_a_torus_have_the_neighbours_one_would_draw() -> None:
    assert made(Ring(k=4), 8).of(0).tolist() == [1, 2, 6, 7]
    assert made(Lattice(rows=3), 12).of(0).tolist() == [1, 3, 4, 8]
    assert made(Lattice(rows=3, periodic=False), 12).of(0).tolist() == [1, 4]
    assert made(Lattice(rows=3, k=8, periodic=False), 12).of(5).tolist() == [0, 1, 2, 4, 6, 8, 9, 10]
    assert made(Lattice(rows=3, k=8, periodic=False), 12).of(3).tolist() == [2, 6, 7]
    assert Lattice().shape(1_000_000) == (1000, 1000)


@pytest.mark.parametrize("n_agents", [500, 20_000])
def test_degrees_are_those_of_the_kind_by_either_way(n_agents: int) -> None:
    assert set(made(Ring(k=6), n_agents).degree_A) == {6}
    assert set(made(WattsStrogatz(k=6, p=0), n_agents).degree_A) == {6}
    moved = made(WattsStrogatz(k=6, p=0.3), n_agents).degree_A
    assert (moved.mean(), moved.min() >= 3, moved.std() > 0.5) == (6, True, True)
    scale_free = made(BarabasiAlbert(m=3), n_agents).degree_A
    assert scale_free.sum() == 2 * (3 + 3 * (n_agents - 4))
    assert scale_free[4:].min() == 3
    assert scale_free.max() > 10 * np.median(scale_free)
    chance = 2000 / n_agents**2
    blocks = made(StochasticBlock(blocks=4, p_in=10 * chance, p_out=chance), n_agents)
    block_A = np.repeat(np.arange(4), n_agents // 4)
    inside = sum((block_A[blocks.of(seat)] == block_A[seat]).sum() for seat in range(n_agents)) / 2
    outside = len(blocks.indices) / 2 - inside
    assert inside == pytest.approx(10 * chance * n_agents**2 / 8, rel=0.15)
    assert outside == pytest.approx(chance * 3 * n_agents**2 / 8, rel=0.3)


def test_large_random_networks_follow_the_rules_of_networkx() -> None:
    small = [made(BarabasiAlbert(m=2), 2000, seed).degree_A for seed in range(10)]
    arrays = [from_pairs(by_arrays.drawn(BarabasiAlbert(m=2), 2000, seed), 2000).degree_A for seed in range(10)]
    for degree in (2, 3, 5, 10):
        shares = [np.mean([(degree_A <= degree).mean() for degree_A in ways]) for ways in (small, arrays)]
        assert shares[0] == pytest.approx(shares[1], abs=0.02)
    moved = from_pairs(by_arrays.drawn(WattsStrogatz(k=4, p=1), 2000, 0), 2000)
    assert len(moved.indices) == 2000 * 4


def test_everyone_of_a_complete_network_is_never_written_down() -> None:
    assert neighbours(Complete(), 1_000_000, 0) is None


@pytest.mark.parametrize(
    ("network", "n_agents", "said"),
    [
        (Ring(k=8), 8, "network ring:k=8: k must be below the number of agents, 8"),
        (BarabasiAlbert(m=9), 8, "m must be below the number of agents, 8"),
        (Lattice(), 13, "13 agents fill no rectangle"),
        (Lattice(rows=5), 12, "12 agents do not fill 5 rows"),
        (StochasticBlock(blocks=9, p_in=1, p_out=0), 8, "8 agents are fewer than 9 blocks"),
        (EdgeList(links=((0, 8),)), 8, "network edge_list:1: links seat 8, but seats are 0..7"),
        (EdgeList(file="friends.csv"), 8, "network edge_list:friends.csv: the file of links has not been read"),
        (Ring(k=1000), 1_000_000, "about 500,000,000 links are more than 20,000,000"),
    ],
)
def test_what_agents_cannot_form_is_refused(network: NetworkKind, n_agents: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        neighbours(network, n_agents, 0)


@pytest.mark.parametrize(
    ("network", "n_agents"),
    [
        (Ring(k=8), 9),
        (WattsStrogatz(k=8), 9),
        (BarabasiAlbert(m=7), 8),
        (Lattice(), 3),
        (Lattice(), 4),
        (Lattice(rows=1), 5),
        (StochasticBlock(blocks=8, p_in=1, p_out=0), 8),
        (EdgeList(links=((7, 0),)), 8),
        (Ring(k=20), 2_000_000),
        (Complete(), 100_000_000),
    ],
)
def test_what_just_fits_is_not_refused(network: NetworkKind, n_agents: int) -> None:
    require_fits(network, n_agents)


@pytest.mark.parametrize(
    ("network", "n_agents", "links"),
    [
        (Complete(), 9, 0),
        (Ring(k=6), 10, 30),
        (Lattice(k=8), 12, 48),
        (WattsStrogatz(k=4), 10, 20),
        (BarabasiAlbert(m=3), 10, 30),
        # Blocks of 3, 2 and 2 have 5 of the 21 pairs.
        (StochasticBlock(blocks=3, p_in=0.5, p_out=0.25), 7, 5 * 0.5 + 16 * 0.25),
        (EdgeList(links=((0, 1), (1, 2))), 9, 2),
    ],
)
def test_links_are_counted_before_they_are_made(network: NetworkKind, n_agents: int, links: float) -> None:
    assert network.expected_links(n_agents) == links


@pytest.mark.parametrize(("n_agents", "shape"), [(1, (1, 1)), (3, (1, 3)), (12, (3, 4)), (16, (4, 4)), (36, (6, 6))])
def test_a_lattice_is_as_square_as_can_be(n_agents: int, shape: tuple[int, int]) -> None:
    assert Lattice().shape(n_agents) == shape
    assert Lattice(rows=1).shape(n_agents) == (1, n_agents)


def test_the_whole_refusal_says_what_to_change() -> None:
    for network, n_agents, said in (
        (Ring(k=8), 8, "network ring:k=8: k must be below the number of agents, 8. Change the network or n_agents"),
        (WattsStrogatz(k=8, p=0.5), 8, "network watts_strogatz:k=8,p=0.5: k must be below the number of agents, 8. "
         "Change the network or n_agents"),
        (Lattice(), 13, "network lattice:k=4,periodic=true: 13 agents fill no rectangle, as 13 is a prime number. "
         "Change the network or n_agents"),
        (Ring(k=22), 2_000_000, "network ring:k=22: about 22,000,000 links are more than 20,000,000. "
         "Change the network or n_agents"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            require_fits(network, n_agents)
        assert str(caught.value) == said


def test_links_given_twice_or_both_ways_are_one_and_many_agents_make_no_number_overflow() -> None:
    found = from_pairs(np.array([[1, 0], [0, 1], [0, 2], [0, 2]], dtype=np.int32), 4)
    assert (found.indptr.tolist(), found.indices.tolist()) == ([0, 2, 3, 4, 4], [1, 2, 0, 0])
    assert (found.indptr.dtype, found.indices.dtype, found.n_agents) == (np.int64, np.int32, 4)
    far = from_pairs(np.array([[99_999, 99_998]], dtype=np.int32), 100_000)
    assert far.of(99_999).tolist() == [99_998]
    assert found.sums(np.array([100, 100, 100, 1], dtype=np.int8)).tolist() == [200, 100, 100, 0]


def test_who_has_nobody_to_meet_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        require_partners(made(EdgeList(links=((0, 1),)), 3), "friends")
    hint = "Everyone needs one to meet: give the network more links"
    assert str(caught.value) == f"friends: seat 2 has no neighbours. {hint}"
    with pytest.raises(UsageError, match="seat 2 has no neighbours, nor have 1 others"):
        require_partners(made(EdgeList(links=((0, 1),)), 4), "friends")
    require_partners(None, "network complete")
    require_partners(made(Ring(), 8), "network ring")
    with pytest.raises(UsageError, match=r"friends: seat 2 has no neighbours, nor have 2 others. Everyone needs one"):
        require_partners(made(EdgeList(links=((0, 1),)), 5), "friends")


@given(KINDS)
def test_a_network_is_read_from_its_own_text(network: NetworkKind) -> None:
    assert read_network(str(network)) == network
    assert Holder.model_validate_json(Holder(network=network).model_dump_json()).network == network


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("complete", Complete()),
        ("ring", Ring(k=2)),
        ("watts_strogatz:p=1e-3", WattsStrogatz(k=4, p=0.001)),
        ("lattice:rows=2,periodic=false", Lattice(rows=2, periodic=False)),
        ("edge_list:links/friends.csv", EdgeList(file="links/friends.csv")),
    ],
)
def test_short_texts(text: str, network: NetworkKind) -> None:
    assert Holder.model_validate({"network": text}).network == network


def test_every_digit_that_matters_is_in_the_text() -> None:
    for network, text in (
        (WattsStrogatz(p=1 / 3), "watts_strogatz:k=4,p=0.3333333333333333"),
        (WattsStrogatz(p=1.0), "watts_strogatz:k=4,p=1"),
        (StochasticBlock(p_in=1e-5, p_out=0), "stochastic_block:blocks=2,p_in=1e-05,p_out=0"),
        (Lattice(rows=1_234_567), "lattice:rows=1234567,k=4,periodic=true"),
    ):
        assert str(network) == text
        assert read_network(text) == network


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ("small_world", "unknown network 'small_world'. Known: barabasi_albert, complete"),
        ("rings", "Did you mean 'ring'?"),
        ("ring:4", "'4' is not NAME=NUMBER"),
        ("ring:k=3", "multiple of 2"),
        ("ring:k=two", "valid integer"),
        ("ring:p=0.1", "Extra inputs are not permitted"),
        ("watts_strogatz:p=2", "less than or equal to 1"),
        ("stochastic_block:blocks=2", "Field required"),
        ("edge_list", "give either file or links"),
        ({"kind": "edge_list", "links": [[1, 1]]}, "links seat 1 to itself"),
        ({"kind": "edge_list", "links": [[-1, 1]]}, "greater than or equal to 0"),
    ],
)
def test_wrong_texts_are_refused(given_: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Holder.model_validate({"network": given_})


@pytest.mark.parametrize(
    "value", ["ring,watts_strogatz:k=4,p=0.1,complete", ["ring", "watts_strogatz:k=4", "p=0.1", "complete"]]
)
def test_a_comma_is_between_networks_or_inside_one(value: object) -> None:
    assert split_networks(value) == ["ring", "watts_strogatz:k=4,p=0.1", "complete"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("my [friends].csv", "seat,friend\n0,1\n2, 3\n1,0\n"),
        ("my friends.yaml", "- [0, 1]\n- [2, 3]\n- [1, 0]\n"),
    ],
)
def test_links_are_read_from_a_file(name: str, text: str, tmp_path) -> None:
    (tmp_path / name).write_text(text)
    network = opened(EdgeList(file=str(tmp_path / name)))
    assert str(network) == "edge_list:my-friends"
    assert links(made(network, 4)) == {(0, 1), (1, 0), (2, 3), (3, 2)}
    assert opened(Ring()) == Ring()


@pytest.mark.parametrize(
    ("name", "called"),
    [("a.yml", "a"), ("-x [y]-.csv", "x-y"), ("ab.c_d-e.csv", "ab.c_d-e"), (f"{'n' * 70}.csv", "n" * 60)],
)
def test_a_file_of_links_gives_its_name_where_none_is_given(name: str, called: str, tmp_path) -> None:
    (tmp_path / name).write_text("- [0, 1]\n" if name.endswith("yml") else "\n0,1\n\n1,2\n")
    assert opened(EdgeList(file=str(tmp_path / name))).name == called
    assert opened(EdgeList(name="own", file=str(tmp_path / name))).name == "own"
    given_links = EdgeList(links=((0, 1),))
    assert opened(given_links) is given_links


def test_a_wrong_file_is_refused_with_what_to_write(tmp_path) -> None:
    hint = "Write one link a line: 0,5 in a .csv file, - [0, 5] in a .yaml file"
    for name, text, said in (
        ("a.csv", "", f"a.csv: holds no links. {hint}"),
        ("b.csv", "from,to\n0,1\n\n0,b\n", f"b.csv:4: '0,b' is no pair of seats. {hint}"),
        ("c.csv", "0,1\n2\n", f"c.csv:2: '2' is no pair of seats. {hint}"),
        ("d.yaml", "0: 1\n", f"d.yaml: is not a list of links. {hint}"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError) as caught:
            opened(EdgeList(file=str(tmp_path / name)))
        assert str(caught.value) == f"{tmp_path}/{said}"
    (tmp_path / "e.csv").write_bytes(b"0,1\n\xff,2\n")
    with pytest.raises(UsageError, match=r"e\.csv: cannot be read: .* Check the path"):
        opened(EdgeList(file=str(tmp_path / "e.csv")))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("friends.csv", "0,1\n1,x\n", "friends.csv:2: '1,x' is no pair of seats"),
        ("friends.csv", "0,1,2\n", "friends.csv:1: '0,1,2' is no pair of seats"),
        ("friends.csv", "seat,friend\n", "holds no links. Write one link a line"),
        ("friends.csv", "0,1\n3,3\n", "friends.csv: links seat 3 to itself"),
        ("friends.yaml", "0: 1\n", "is not a list of links"),
        ("friends.yaml", "- [0, one]\n", "links.0.1: Input should be a valid integer"),
        ("nobody.csv", None, "nobody.csv: cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_by_line(name: str, text: str | None, said: str, tmp_path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=said):
        opened(EdgeList(file=str(tmp_path / name)))
