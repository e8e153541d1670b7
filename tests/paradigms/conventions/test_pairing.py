"""Who meets whom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naming_play import naming_spec

from atp_ray.networks.kinds import Ring
from atp_ray.networks.neighbours import Neighbours, neighbours
from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.paradigms.conventions.pairing import NOBODY, draw_partners, partners_of

PAIRINGS = ("asynchronous", "synchronous")


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(2, 40), st.sampled_from(PAIRINGS), st.integers(0, 2**31))
def test_everyone_meets_at_most_one_other_and_is_met_by_them(n_agents, pairing, seed) -> None:
    partner_A = draw_partners(generator(seed), n_agents, pairing)
    paired = np.flatnonzero(partner_A != NOBODY)
    assert (partner_A[partner_A[paired]] == paired).all()
    assert (partner_A[paired] != paired).all()
    assert len(paired) == (2 if pairing == "asynchronous" else n_agents // 2 * 2)


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_every_pair_is_equally_likely(pairing) -> None:
    n, draws, rng = 5, 10_000, generator()
    met_AA = np.zeros((n, n))
    for _ in range(draws):
        partner_A = draw_partners(rng, n, pairing)
        paired = np.flatnonzero(partner_A != NOBODY)
        met_AA[paired, partner_A[paired]] += 1
    pairs = met_AA[np.triu_indices(n, 1)]
    expected = pairs.mean()
    assert expected == draws * (1 if pairing == "asynchronous" else 2) / 10
    assert ((pairs - expected) ** 2 / expected).sum() < 27.9  # chi-square, 9 degrees of freedom, p = 0.001


@given(st.integers(2, 12), st.sampled_from(PAIRINGS), st.integers(0, 2**31), st.data())
def test_on_a_graph_only_neighbours_meet(n_agents, pairing, seed, data) -> None:
    edge_AA = np.triu(
        np.array(data.draw(st.lists(st.booleans(), min_size=n_agents**2, max_size=n_agents**2))).reshape(
            n_agents, n_agents
        ),
        1,
    )
    edge_AA |= edge_AA.T
    indptr = np.concatenate([[0], edge_AA.sum(axis=1).cumsum()])
    found = Neighbours(indptr, np.nonzero(edge_AA)[1].astype(np.int32))
    partner_A = draw_partners(generator(seed), n_agents, pairing, found)
    paired = np.flatnonzero(partner_A != NOBODY)
    assert (partner_A[partner_A[paired]] == paired).all()
    assert edge_AA[paired, partner_A[paired]].all()
    if pairing == "synchronous":  # nobody is left who could still meet somebody
        alone_A = partner_A == NOBODY
        assert not edge_AA[np.ix_(alone_A, alone_A)].any()


def test_the_seed_alone_decides_and_rounds_differ() -> None:
    one, other = naming_spec(n_agents=20), naming_spec(n_agents=20, committed=5, established="M", success=10)
    assert one.episode_id != other.episode_id
    assert partners_of(one, 3).tolist() == partners_of(other, 3).tolist()
    assert partners_of(one, 3).tolist() != partners_of(one, 4).tolist()
    assert partners_of(one, 3).tolist() != partners_of(naming_spec(n_agents=20, seed=1), 3).tolist()


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_who_meets_somebody_is_asked_and_turns_are_counted(pairing) -> None:
    spec = naming_spec(n_agents=5, pairing=pairing, rounds=7)
    asked = [ENVIRONMENT.asked(spec, number) for number in range(1, 8)]
    assert [(asked_A == (partners_of(spec, number) >= 0)).all() for number, asked_A in enumerate(asked, 1)] == [
        True
    ] * 7
    assert ENVIRONMENT.n_turns(spec) == sum(int(asked_A.sum()) for asked_A in asked)
    assert ENVIRONMENT.n_turns(spec, 6) == sum(int(asked_A.sum()) for asked_A in asked[5:])


@given(st.integers(3, 30), st.integers(0, 2**32), st.sampled_from(["asynchronous", "synchronous"]))
def test_in_a_network_only_neighbours_meet(n_agents, seed, pairing) -> None:
    found = neighbours(Ring(k=2), n_agents, 0)
    partner_A = draw_partners(np.random.default_rng(seed), n_agents, pairing, found)
    met = np.flatnonzero(partner_A != NOBODY)
    assert (partner_A[partner_A[met]] == met).all()
    assert all(partner_A[seat] in found.of(seat) for seat in met)
    assert len(met) == 2 if pairing == "asynchronous" else len(met) >= 2 * (n_agents // 4)


def test_a_seed_is_the_recorded_pairs() -> None:
    # As in test_randomness.py: other pairs would mean that no transcript can be repeated.
    ring = naming_spec(n_agents=6, seed=4, network="ring")
    both = [partners_of(spec, 2).tolist() for spec in (naming_spec(n_agents=7, seed=4), ring)]
    one = partners_of(naming_spec(n_agents=7, seed=4, pairing="asynchronous"), 2).tolist()
    near = partners_of(naming_spec(n_agents=6, seed=4, network="ring", pairing="asynchronous"), 2).tolist()
    assert both == [[-1, 6, 5, 4, 3, 2, 1], [1, 0, 3, 2, 5, 4]]
    assert [one, near] == [[1, 0, -1, -1, -1, -1, -1], [-1, 2, 1, -1, -1, -1]]


def test_who_is_drawn_and_has_no_neighbour_meets_nobody() -> None:
    alone = Neighbours(np.array([0, 0, 1, 2]), np.array([2, 1], dtype=np.int32))
    drawn = {tuple(draw_partners(generator(seed), 3, "asynchronous", alone).tolist()) for seed in range(20)}
    assert drawn == {(-1, -1, -1), (-1, 2, 1)}
    assert draw_partners(generator(), 3, "synchronous", alone).tolist() == [-1, 2, 1]
