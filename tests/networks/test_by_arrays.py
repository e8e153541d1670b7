"""Networks by array operations: links by their definition, exactly where nothing is drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from some_networks import made

from atp_ray.networks import by_arrays, by_networkx
from atp_ray.networks.kinds import BarabasiAlbert, Lattice, StochasticBlock, WattsStrogatz
from atp_ray.networks.neighbours import from_pairs

SHAPES = [(1, 1), (1, 4), (4, 1), (2, 2), (2, 5), (3, 4), (4, 3)]


def linked(pairs) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in pairs.tolist()}


def keys(pairs) -> list[tuple[int, int]]:
    return sorted((min(pair), max(pair)) for pair in pairs.tolist())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [4, 8])
@pytest.mark.parametrize("periodic", [True, False])
def test_on_a_lattice_who_is_one_step_away_is_linked(shape, k: int, periodic: bool) -> None:
    rows, columns = shape
    expected = set()
    for one, other in itertools.combinations(itertools.product(range(rows), range(columns)), 2):
        steps = []
        for mine, yours, size in zip(one, other, shape, strict=True):
            step = abs(mine - yours)
            steps.append(min(step, size - step) if periodic else step)
        if max(steps) == 1 and (k == 8 or sum(steps) == 1):
            expected.add((one[0] * columns + one[1], other[0] * columns + other[1]))
    assert linked(by_arrays.lattice(shape, k, periodic)) == expected


def test_a_ring_links_the_nearest_once() -> None:
    assert keys(by_arrays.ring(5, 2)) == [(0, 1), (0, 4), (1, 2), (2, 3), (3, 4)]
    assert len(keys(by_arrays.ring(9, 4))) == len(set(keys(by_arrays.ring(9, 4)))) == 18


@pytest.mark.parametrize(("k", "p"), [(2, 0.0), (4, 0.3), (4, 1.0), (8, 0.9)])
def test_a_small_world_keeps_its_links_and_moves_one_end_of_some(k: int, p: float) -> None:
    n = 12
    ring, found = by_arrays.ring(n, k), by_arrays.drawn(WattsStrogatz(k=k, p=p), n, 3)
    assert (found[:, 0] == ring[:, 0]).all()
    assert (found[:, 0] != found[:, 1]).all()
    assert len(set(keys(found))) == n * k // 2
    moved = float((found[:, 1] != ring[:, 1]).mean())
    assert (moved == 0) == (p == 0)
    assert moved <= p + 0.35


def test_as_many_links_move_as_the_chance_says() -> None:
    ring = by_arrays.ring(1000, 4)
    moved = (by_arrays.drawn(WattsStrogatz(k=4, p=0.25), 1000, 1) != ring).any(axis=1)
    assert moved.mean() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_in_a_scale_free_network_each_seat_brings_links_to_earlier_ones(m: int) -> None:
    found = by_arrays.drawn(BarabasiAlbert(m=m), 40, 2)
    assert found[:m].tolist() == [[0, other] for other in range(1, m + 1)]
    assert found[m:, 0].tolist() == np.repeat(np.arange(m + 1, 40), m).tolist()
    assert (found[:, 1] < np.maximum(found[:, 0], m + 1)).all()
    assert (found[m:, 1] < found[m:, 0]).all()
    assert (found >= 0).all()
    assert len(set(keys(found))) == len(found)


def test_an_end_drawn_is_looked_up_until_it_is_a_seat() -> None:
    star = np.array([0, 1])  # m = 1: ends 0 and 1, then of seat 2 ends 2 and 3, of seat 3 ends 4 and 5, ...
    drawn = np.array([1, 2, 3, 5, 0])  # what seats 2..6 drew; 3 and 5 are themselves ends that were drawn
    # Ends of an even number are the seats that brought them: 2 is seat 2 itself. 3 is what it drew, 5 what seat 3 drew.
    assert by_arrays._looked_up(drawn, star, np.arange(2, 7)).tolist() == [1, 2, 1, 2, 0]


def test_blocks_are_whole_inside_or_whole_outside_where_chances_are_certain() -> None:
    block = [0, 0, 0, 1, 1, 2, 2]
    alike = {pair for pair in itertools.combinations(range(7), 2) if block[pair[0]] == block[pair[1]]}
    inside = by_arrays.drawn(StochasticBlock(blocks=3, p_in=1, p_out=0), 7, 0)
    outside = by_arrays.drawn(StochasticBlock(blocks=3, p_in=0, p_out=1), 7, 0)
    assert keys(inside) == sorted(alike)
    assert keys(outside) == sorted(set(itertools.combinations(range(7), 2)) - alike)


def test_every_pair_has_a_number_and_large_numbers_are_exact() -> None:
    row, column = by_arrays._triangle(np.arange(10))
    assert list(zip(row.tolist(), column.tolist(), strict=True)) == [
        (one, other) for one in range(5) for other in range(one)
    ]
    n = 3_000_000_000
    last = n * (n - 1) // 2 - 1
    row, column = by_arrays._triangle(np.array([last, last - n + 2, last - n + 1]))
    assert (row.tolist(), column.tolist()) == ([n - 1, n - 1, n - 2], [n - 2, 0, n - 3])


@pytest.mark.parametrize(("possible", "count"), [(1000, 20), (1000, 250), (10, 4), (7, 7), (5, 0)])
def test_numbers_are_different_and_as_many_as_asked(possible: int, count: int) -> None:
    found = by_arrays._distinct(possible, count, np.random.default_rng(1))
    assert len(set(found.tolist())) == len(found) == count
    assert not count or (found.min() >= 0 and found.max() < possible)


def test_up_to_a_quarter_of_all_numbers_are_drawn_one_by_one() -> None:
    few, many = (by_arrays._distinct(1000, count, np.random.default_rng(1)) for count in (250, 251))
    assert few[0] == np.random.default_rng(1).integers(1000, size=250)[0]
    assert many.tolist() == np.random.default_rng(1).choice(1000, 251, replace=False).tolist()


def test_numbers_that_are_drawn_lie_anywhere() -> None:
    for count in (10, 300):
        means = [by_arrays._distinct(1000, count, np.random.default_rng(seed)).mean() for seed in range(100)]
        assert np.mean(means) == pytest.approx(499.5, abs=30)


# A seed means one network in every version: the cells of old runs are drawn again from it.
WORLD, FREE = WattsStrogatz(k=2, p=0.5), BarabasiAlbert(m=1)
BLOCKS = StochasticBlock(blocks=2, p_in=0.9, p_out=0.3)


@pytest.mark.parametrize(
    ("ways", "network", "expected"),
    [
        (by_arrays, WORLD, "01 04 12 15 23 34"),
        (by_arrays, FREE, "01 02 23 34 35"),
        (by_arrays, BLOCKS, "01 02 12 25 34 35 45"),
        (by_networkx, WORLD, "02 03 12 13 35 45"),
        (by_networkx, FREE, "01 02 03 04 15"),
        (by_networkx, BLOCKS, "01 02 04 12 14 23 24 34 35 45"),
    ],
)
def test_a_seed_is_the_recorded_network(ways, network, expected: str) -> None:
    assert " ".join(f"{one}{other}" for one, other in keys(ways.drawn(network, 6, 1))) == expected


def test_few_agents_get_the_networks_of_networkx_and_regular_ones_are_arrays() -> None:
    network = WattsStrogatz(k=4, p=0.5)
    drawn = from_pairs(by_networkx.drawn(network, 30, 4), 30)
    assert np.array_equal(made(network, 30, 4).indices, drawn.indices)
    lattice = from_pairs(by_arrays.lattice((3, 4), 8, periodic=False), 12)
    assert np.array_equal(made(Lattice(rows=3, k=8, periodic=False), 12).indices, lattice.indices)
