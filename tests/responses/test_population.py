"""Populations of responders: pairs, rounds, and the infinite one."""

import numpy as np
import pytest
from naming_games import MEMORY, NAMES, TRUTH, true_chances

from atp_ray.errors import UsageError
from atp_ray.networks.neighbours import Neighbours
from atp_ray.responses.features import features
from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.population import Game, Lanes, play_pairs, play_rounds
from atp_ray.responses.responder import Responder
from atp_ray.responses.window_codes import WindowCodes

CODES = WindowCodes(len(NAMES), MEMORY)


def TRUTH_CHANCES(own_UH, other_UH):
    return TRUTH.probabilities(features(own_UH, other_UH, len(NAMES), "lags"))


def responder(chances_UK) -> Responder:
    return Responder(lambda own_UH, other_UH: chances_UK, CODES)


def responder_of(rule) -> Responder:
    """A responder by a rule that says how likely the second name is for own and partner's names."""

    def chances(own_UH, other_UH):
        second_U = np.array([rule(own, other) for own, other in zip(own_UH, other_UH, strict=True)], dtype=float)
        return np.stack([1 - second_U, second_U], axis=1)

    return Responder(chances, CODES)


STUBBORN = responder_of(lambda own, other: 0.0)
FOLLOWER = responder_of(lambda own, other: float(other[-1] == 1))
COIN = responder_of(lambda own, other: 0.5)
KNOWN = responder(true_chances())
SIX = Game(6, 0, 1, 600)


def flips_of(responds, lanes: Lanes, game: Game = SIX, seed: int = 0, neighbours=None):
    return play_pairs(responds, game, lanes, np.random.default_rng(seed), neighbours)


@pytest.mark.parametrize(
    ("responds", "committed", "flips"),
    [(STUBBORN, 0, 0), (STUBBORN, 2, 0), (STUBBORN, 5, 1), (STUBBORN, 6, 1), (FOLLOWER, 0, 0), (FOLLOWER, 1, 1)],
)
def test_who_flips_is_known_where_responders_are_simple(responds, committed, flips) -> None:
    flips_L = flips_of(responds, Lanes.of(np.full(40, committed)))
    assert flips_L.flipped_L.mean() == flips
    assert (flips_L.after_L[~flips_L.flipped_L] == 600).all()


def test_committed_agents_flip_it_sooner_the_more_they_are() -> None:
    flips = flips_of(FOLLOWER, Lanes.of(np.repeat([1, 2, 4], 50)))
    after = flips.after_L.reshape(3, 50).mean(axis=1)
    assert after[0] > after[1] > after[2]


def test_coins_flip_half_of_the_time() -> None:
    flips = flips_of(COIN, Lanes.of(np.zeros(4000, int)), Game(6, 0, 1, 60), seed=1)
    # Half of the answers is no flip: 36 answers, exactly 18 in 13 % of cases.
    assert flips.flipped_L.mean() == pytest.approx((1 - 0.132) / 2, abs=0.025)


def test_many_agents_do_what_the_infinite_population_does() -> None:
    codes_A = np.full(100_000, CODES.full_of(0), dtype=np.int32)
    shares = play_rounds(KNOWN, codes_A, 20_000, 1, 25, np.random.default_rng(0))
    expected = MeanField(KNOWN).course(0, 1, 0.2, most_rounds=25).share_R
    np.testing.assert_allclose(shares[: len(expected)], expected[:25], atol=0.008)
    assert shares[-1] > shares[0] + 0.02


def test_an_odd_agent_pauses() -> None:
    codes_A = np.full(3, CODES.full_of(0), dtype=np.int32)
    play_rounds(FOLLOWER, codes_A, 1, 1, 1, np.random.default_rng(0))
    assert (codes_A == CODES.full_of(0)).sum() == 1


def test_the_tipping_point_parts_those_who_flip_from_those_who_do_not() -> None:
    field = MeanField(KNOWN)
    share = field.critical_mass(0, 1, precision=1e-3)
    assert share is not None
    assert 0.01 < share < 0.5
    assert field.course(0, 1, share + 0.005).share_R[-1] > 0.5 > field.course(0, 1, share - 0.005).share_R[-1]


def test_what_flips_by_itself_needs_nobody() -> None:
    assert MeanField(responder_of(lambda own, other: 0.9)).critical_mass(0, 1) == 0.0
    assert MeanField(STUBBORN).critical_mass(0, 1, precision=1e-3) == pytest.approx(0.5, abs=2e-3)


# What can be done about it


def test_agents_that_hold_the_old_name_stop_followers_and_too_few_of_them_do_not() -> None:
    chance = [flips_of(FOLLOWER, Lanes.of(np.full(60, 2), holding=held)).flipped_L.mean() for held in (0, 2, 4)]
    assert chance[0] == 1.0
    assert 0.2 < chance[1] < 0.8  # as many of either side
    assert chance[2] == 0.0


def test_who_never_meets_the_committed_keeps_the_old_name_and_nobody_does_if_all_are_apart() -> None:
    apart = flips_of(FOLLOWER, Lanes.of(np.full(60, 2), protected=4))
    assert apart.share_L.mean() == pytest.approx(1 / 7, abs=0.04)  # one of the seven pairs that are left
    assert not apart.flipped_L.any()
    off = flips_of(FOLLOWER, Lanes.of(np.full(60, 2), avoided=1.0))
    assert not off.flipped_L.any()
    half = flips_of(FOLLOWER, Lanes.of(np.full(60, 2), avoided=0.5))
    none = flips_of(FOLLOWER, Lanes.of(np.full(60, 2)))
    assert half.after_L.mean() > 1.2 * none.after_L.mean()


def test_what_is_not_remembered_does_not_convince() -> None:
    assert not flips_of(FOLLOWER, Lanes.of(np.full(40, 1), unseen=1.0)).flipped_L.any()
    slower = flips_of(FOLLOWER, Lanes.of(np.full(40, 2), unseen=0.5)).after_L.mean()
    assert slower > 1.2 * flips_of(FOLLOWER, Lanes.of(np.full(40, 2))).after_L.mean()


def test_a_meeting_that_no_other_can_replace_takes_place() -> None:
    two = flips_of(FOLLOWER, Lanes.of(np.full(5, 1), avoided=1.0), Game(2, 0, 1, 20))
    assert two.flipped_L.all()


# Who can meet whom

PAIRS = Neighbours(np.array([0, 1, 2, 3, 4, 4, 4]), np.array([1, 0, 3, 2], np.int32))  # two pairs, and two alone
RING = Neighbours(np.arange(0, 13, 2), np.array([5, 1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 0], np.int32))


def test_on_a_graph_only_neighbours_meet() -> None:
    flips = flips_of(FOLLOWER, Lanes.of(np.full(400, 1)), neighbours=PAIRS)
    # One of six agents is committed: its own pair follows, the other pair never hears of it.
    assert flips.share_L.max() < 0.9
    assert (flips.share_L == 0).mean() == pytest.approx(2 / 6, abs=0.08)  # it is one of the two that meet nobody
    assert flips_of(FOLLOWER, Lanes.of(np.full(40, 1)), neighbours=RING).flipped_L.all()


def test_in_rounds_on_a_graph_nobody_meets_two() -> None:
    codes_A = np.full(6, CODES.full_of(0), dtype=np.int32)
    play_rounds(FOLLOWER, codes_A, 1, 1, 1, np.random.default_rng(0), PAIRS)
    changed = np.flatnonzero(codes_A != CODES.full_of(0)).tolist()
    assert changed == [0, 1]  # the committed agent and its only neighbour remember
    shares = play_rounds(FOLLOWER, np.full(6, CODES.full_of(0), np.int32), 1, 1, 60, np.random.default_rng(0), RING)
    assert shares[-1] == 1.0


# Windows that are too many for a table


def test_windows_reckoned_as_they_occur_are_those_of_the_table() -> None:
    few = WindowCodes(len(NAMES), MEMORY)
    lazy = Responder(TRUTH_CHANCES, few)
    table = lazy.below(np.arange(few.n_windows, dtype=np.int32)).copy()
    lazy._table_UK = None
    lazy._known_U, lazy._below_UK = np.zeros(0, np.int32), np.zeros((0, 1))
    generator = np.random.default_rng(0)
    for _ in range(5):
        asked = generator.integers(few.n_windows, size=30).astype(np.int32)
        np.testing.assert_array_equal(lazy.below(asked), table[asked])


def test_ten_names_and_a_memory_of_five_are_played_without_a_table() -> None:
    codes = WindowCodes(10, 5)
    assert not codes.tabulated
    follower = Responder(lambda own_UH, other_UH: np.eye(10)[other_UH[:, -1]], codes)
    flips = play_pairs(follower, Game(6, 3, 7, 300), Lanes.of(np.full(20, 2)), np.random.default_rng(0))
    assert flips.flipped_L.all()
    assert MeanField.of(follower) is None
    with pytest.raises(UsageError, match="different windows, a table"):
        follower.table_UK  # noqa: B018
