"""Populations of responders: pairs, rounds, and the infinite one."""

import numpy as np
import pytest
from naming_games import MEMORY, NAMES, true_chances

from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.population import play_pairs, play_rounds
from atp_ray.responses.window_codes import WindowCodes

CODES = WindowCodes(len(NAMES), MEMORY)


def chances_of(rule):
    """The probability of each name, from a rule that says how likely the second one is for own and partner's names."""
    own_UH, other_UH = CODES.windows()
    second_U = np.array([rule(own, other) for own, other in zip(own_UH, other_UH, strict=True)], dtype=float)
    return np.stack([1 - second_U, second_U], axis=1)


STUBBORN = chances_of(lambda own, other: 0.0)
FOLLOWER = chances_of(lambda own, other: float(other[-1] == 1))
COIN = chances_of(lambda own, other: 0.5)


@pytest.mark.parametrize(
    ("chances", "committed", "flips"),
    [(STUBBORN, 0, 0), (STUBBORN, 2, 0), (STUBBORN, 5, 1), (STUBBORN, 6, 1), (FOLLOWER, 0, 0), (FOLLOWER, 1, 1)],
)
def test_who_flips_is_known_where_responders_are_simple(chances, committed, flips) -> None:
    lanes = np.full(40, committed)
    flips_L = play_pairs(chances, CODES, lanes, 6, 0, 1, 600, np.random.default_rng(0))
    assert flips_L.flipped_L.mean() == flips
    assert (flips_L.after_L[~flips_L.flipped_L] == 600).all()


def test_committed_agents_flip_it_sooner_the_more_they_are() -> None:
    lanes = np.repeat([1, 2, 4], 50)
    flips = play_pairs(FOLLOWER, CODES, lanes, 6, 0, 1, 600, np.random.default_rng(0))
    after = flips.after_L.reshape(3, 50).mean(axis=1)
    assert after[0] > after[1] > after[2]


def test_coins_flip_half_of_the_time() -> None:
    flips = play_pairs(COIN, CODES, np.zeros(4000, int), 6, 0, 1, 60, np.random.default_rng(1))
    # Half of the answers is no flip: 36 answers, exactly 18 in 13 % of cases.
    assert flips.flipped_L.mean() == pytest.approx((1 - 0.132) / 2, abs=0.025)


def test_many_agents_do_what_the_infinite_population_does() -> None:
    chances = true_chances()
    codes_A = np.full(100_000, CODES.full_of(0), dtype=np.int32)
    shares = play_rounds(chances, CODES, codes_A, 20_000, 1, 25, np.random.default_rng(0))
    expected = MeanField(chances, CODES).course(0, 1, 0.2, most_rounds=25).share_R
    np.testing.assert_allclose(shares[: len(expected)], expected[:25], atol=0.008)
    assert shares[-1] > shares[0] + 0.02


def test_an_odd_agent_pauses() -> None:
    codes_A = np.full(3, CODES.full_of(0), dtype=np.int32)
    play_rounds(FOLLOWER, CODES, codes_A, 1, 1, 1, np.random.default_rng(0))
    assert (codes_A == CODES.full_of(0)).sum() == 1


def test_the_tipping_point_parts_those_who_flip_from_those_who_do_not() -> None:
    field = MeanField(true_chances(), CODES)
    share = field.critical_mass(0, 1, precision=1e-3)
    assert share is not None
    assert 0.01 < share < 0.5
    assert field.course(0, 1, share + 0.005).share_R[-1] > 0.5 > field.course(0, 1, share - 0.005).share_R[-1]


def test_what_flips_by_itself_needs_nobody() -> None:
    assert MeanField(chances_of(lambda own, other: 0.9), CODES).critical_mass(0, 1) == 0.0
    assert MeanField(STUBBORN, CODES).critical_mass(0, 1, precision=1e-3) == pytest.approx(0.5, abs=2e-3)
