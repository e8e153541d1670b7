"""The exact chain of a game against games that are played."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from support import make_spec

from atp_ray.networks.neighbours import from_pairs
from atp_ray.paradigms.games import mean_field
from atp_ray.paradigms.games.chain import Fixed, colluder_chances, expected_rates, tip_chance
from atp_ray.paradigms.games.populations import Seen, play_games
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.responses import FEATURES, LogisticResponse

POLICY = QuantalResponse()


def played(numbers, rounds: int, games: int, seed: int = 0):
    """The number of colluders of many games [R, G], seat by seat."""
    rng, n = np.random.default_rng(seed), numbers.n_agents
    acted_GA = rng.random((games, n)) < POLICY.collude_probability(numbers)[0]
    counts = [acted_GA.sum(axis=1)]
    for _ in range(rounds - 1):
        others_GA = counts[-1][:, None] - acted_GA
        chance_GA = np.zeros((games, n))
        for success in (False, True):
            here = (counts[-1] >= numbers.threshold) == success
            if here.any():
                others = others_GA[here].ravel().astype(float)
                chance_GA[here] = POLICY.collude_probability(
                    numbers, others, np.full(len(others), n - 1.0), success
                ).reshape(-1, n)
        acted_GA = rng.random((games, n)) < chance_GA
        counts.append(acted_GA.sum(axis=1))
    return np.array(counts)


@pytest.mark.parametrize("threshold", [2, 4, 6])
def test_ten_thousand_games_of_eight_do_not_contradict_it(threshold: int) -> None:
    numbers = make_spec(threshold=threshold).parameters
    counts_RG = played(numbers, 3, 10_000)
    for counts_G, chance_K in zip(counts_RG, colluder_chances(POLICY, numbers, 3), strict=True):
        observed = np.bincount(counts_G, minlength=9)
        often = 10_000 * chance_K >= 5
        expected = np.append(chance_K[often], chance_K[~often].sum()) * 10_000
        seen = np.append(observed[often], observed[~often].sum())
        kept = expected > 0.5
        assert chisquare(seen[kept], expected[kept] * seen[kept].sum() / expected[kept].sum()).pvalue > 0.001


@pytest.mark.parametrize("n", [64, 512])
def test_large_populations_do_what_it_says(n: int) -> None:
    for share in (0.25, 0.5, 0.75):
        numbers = make_spec(n=n, threshold=int(share * n), visibility="counts").parameters
        rates = played(numbers, 3, 500).mean(axis=1) / n
        assert rates == pytest.approx(expected_rates(POLICY, numbers, 3), abs=0.03)


@settings(max_examples=30)
@given(n=st.integers(2, 12), data=st.data(), constant=st.floats(-3, 3))
def test_chances_add_up_to_one_and_a_responder_that_looks_at_nothing_stays_the_same(n, data, constant) -> None:
    numbers = make_spec(n=n, threshold=data.draw(st.integers(1, n))).parameters
    blind = LogisticResponse(coefficients=(constant, *[0.0] * 7))
    chances = list(colluder_chances(blind, numbers, 4))
    for chance_K in chances:
        assert chance_K.sum() == pytest.approx(1)
        np.testing.assert_allclose(chance_K, chances[0], atol=1e-9)


@pytest.mark.parametrize(
    ("threshold", "fixed"), [(6, Fixed(3, 0)), (6, Fixed(0, 3)), (4, Fixed(2, 3)), (3, Fixed(7, 0))]
)
def test_games_with_fixed_seats_do_what_the_chain_says(threshold: int, fixed: Fixed) -> None:
    numbers = make_spec(threshold=threshold).parameters
    shares_RG = play_games(POLICY, numbers, 3, 8000, np.random.default_rng(0), fixed)
    free = fixed.free(8)
    for share_G, chance_K in zip(shares_RG, colluder_chances(POLICY, numbers, 3, fixed), strict=True):
        assert share_G.mean() == pytest.approx(chance_K @ np.arange(free + 1) / free, abs=0.02)
    assert (shares_RG[-1] > 0.5).mean() == pytest.approx(tip_chance(POLICY, numbers, 3, fixed), abs=0.02)


def test_a_transform_of_large_games_is_the_sum_of_small_ones() -> None:
    numbers = make_spec(n=300, threshold=200, visibility="counts").parameters
    *_, chance_K = colluder_chances(POLICY, numbers, 3, Fixed(60))
    shares_RG = play_games(POLICY, numbers, 3, 300, np.random.default_rng(0), Fixed(60))
    assert shares_RG[-1].mean() == pytest.approx(chance_K @ np.arange(241) / 240, abs=0.02)
    assert chance_K.sum() == pytest.approx(1)


def test_fixed_colluders_hidden_from_all_count_but_are_not_seen() -> None:
    numbers = make_spec(n=20, threshold=15, visibility="counts").parameters
    some = Fixed(6)
    rng = np.random.default_rng
    seen, hidden = (play_games(POLICY, numbers, 2, 2000, rng(0), some, Seen(shielded=k))[-1].mean() for k in (0, 14))
    assert hidden < seen - 0.02
    blind = play_games(POLICY, numbers, 4, 2000, rng(0), some, Seen(blind=14))
    assert blind.mean(axis=1) == pytest.approx(float(POLICY.collude_probability(numbers)[0]), abs=0.02)


def test_a_network_of_everybody_is_no_network_and_on_a_ring_one_sees_two() -> None:
    numbers = make_spec(threshold=5).parameters
    everyone = from_pairs(np.array(list(itertools.combinations(range(8), 2))), 8)
    fixed = Fixed(2, 1)
    shares_RG = play_games(POLICY, numbers, 3, 4000, np.random.default_rng(0), fixed, network=everyone)
    assert (shares_RG[-1] > 0.5).mean() == pytest.approx(tip_chance(POLICY, numbers, 3, fixed), abs=0.03)
    # Who only looks at the share of others that colluded follows two neighbours more extremely than seven.
    follower = LogisticResponse(
        coefficients=tuple(20.0 * (name == "share of others") - 10.0 * (name == "seen") for name in FEATURES)
    )
    ring = from_pairs(np.array([(seat, (seat + 1) % 8) for seat in range(8)]), 8)
    spread = [
        play_games(follower, numbers, 2, 2000, np.random.default_rng(0), network=network)[-1].std()
        for network in (None, ring)
    ]
    assert spread[0] > 1.5 * spread[1]  # all of them see the same


@pytest.mark.parametrize("threshold", [0.6, 0.75])
def test_many_seats_follow_the_mean_field_and_tip_where_it_says(threshold: float) -> None:
    n = 20_000
    numbers = make_spec(n=n, threshold=int(threshold * n), visibility="counts").parameters
    for share in (0.0, 0.5, 0.8):
        fixed = Fixed(int(share * n))
        played_R = play_games(POLICY, numbers, 4, 1, np.random.default_rng(0), fixed)[:, 0]
        np.testing.assert_allclose(played_R, mean_field.course(POLICY, numbers, 4, fixed), atol=0.03)


def test_its_resting_states_are_where_the_course_ends() -> None:
    numbers = make_spec(n=1000, threshold=750, visibility="counts").parameters
    curve = mean_field.resting(POLICY, numbers)
    for colluding in (100, 400):
        end = mean_field.course(POLICY, numbers, 60, Fixed(colluding))[-1]
        share = colluding / 1000 + (1 - colluding / 1000) * end
        stable = [state for state, holds in curve.states(colluding / 1000) if holds]
        assert min(abs(state - share) for state in stable) < 0.01
    assert curve.down < curve.up
