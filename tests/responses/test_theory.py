"""Exact chain, resting states and critical mass: each against what it must agree with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naming_games import MEMORY, NAMES, TRUTH

from atp_ray.responses.exact_pairs import flip_chance, is_small, n_states
from atp_ray.responses.features import features
from atp_ray.responses.logistic import Logit
from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.population import Game, Lanes, play_pairs
from atp_ray.responses.prediction import critical_mass
from atp_ray.responses.responder import Responder
from atp_ray.responses.resting import resting_curve
from atp_ray.responses.window_codes import WindowCodes


def logistic(memory: int, own: float, met: float, preference: float = 0.2) -> Responder:
    weights = Logit(np.array([own] * memory + [met] * memory + [preference, -preference, 0, 0]))
    return Responder(
        lambda own_UH, other_UH: weights.probabilities(features(own_UH, other_UH, 2, "lags")), WindowCodes(2, memory)
    )


@pytest.mark.parametrize(("memory", "n", "interactions"), [(1, 8, 60), (2, 4, 40), (1, 5, 9)])
def test_populations_that_are_played_do_what_the_exact_chain_says(memory: int, n: int, interactions: int) -> None:
    responder, game = logistic(memory, 1.0, 1.3), Game(n, 0, 1, interactions)
    for committed in (1, 2):
        assert is_small(responder, game, committed)
        flips = play_pairs(responder, game, Lanes.of(np.full(4000, committed)), np.random.default_rng(committed))
        assert flip_chance(responder, game, committed) == pytest.approx(flips.flipped_L.mean(), abs=0.03)


def test_a_chain_of_many_states_is_not_followed() -> None:
    assert n_states(logistic(1, 1, 1), Game(8, 0, 1, 100), 2) == 84  # six agents, four memories
    assert not is_small(logistic(3, 1, 1), Game(24, 0, 1, 100), 2)


def test_where_all_are_committed_there_is_one_state() -> None:
    assert flip_chance(logistic(1, 1, 1), Game(4, 0, 1, 20), 4) == pytest.approx(1.0)


@pytest.fixture(scope="module")
def field() -> MeanField:
    responder = Responder(
        lambda own_UH, other_UH: TRUTH.probabilities(features(own_UH, other_UH, len(NAMES), "lags")),
        WindowCodes(len(NAMES), MEMORY),
    )
    return MeanField(responder)


@pytest.mark.slow
def test_the_curve_of_resting_states_flips_where_followed_populations_do(field: MeanField) -> None:
    curve = field.resting(1)
    assert curve is not None
    assert curve.up == pytest.approx(field.critical_mass(0, 1, precision=1e-4), abs=3e-4)
    assert 0 < curve.down < curve.up
    # From the other side: over at first, it stays above where it falls back and does not below.
    for committed, stays in ((curve.down + 0.01, True), (curve.down - 0.01, False)):
        assert (field.course(0, 1, committed, over=1.0).share_R[-1] > 0.5) == stays


def test_a_followed_population_ends_in_the_state_of_its_basin(field: MeanField) -> None:
    curve = field.resting(1)
    assert curve is not None
    low, border, high = curve.states((curve.up + curve.down) / 2)
    assert [stable for _, stable in (low, border, high)] == [True, False, True]
    committed = (curve.up + curve.down) / 2
    for over, (share, _) in ((0.0, low), (1.0, high)):
        assert field.course(0, 1, committed, over=over).share_R[-1] == pytest.approx(share, abs=2e-3)


def test_three_names_are_followed_but_not_solved() -> None:
    codes = WindowCodes(3, 2)
    field = MeanField(Responder(lambda own_UH, _: np.full((len(own_UH), 3), 1 / 3), codes))
    assert field.resting(1) is None
    assert field.course(0, 1, 0.4).share_R[-1] == pytest.approx(0.4 + 0.6 / 3)


@settings(max_examples=25, deadline=None)
@given(steep=st.floats(0.5, 12), border=st.floats(0.2, 0.8))
def test_every_state_of_the_curve_is_at_rest_and_stable_where_it_says(steep: float, border: float) -> None:
    def answers(share: float) -> float:
        return float(1 / (1 + np.exp(-steep * (share - border))))

    curve = resting_curve(answers, points=401)
    for committed in (0.0, 0.1, 0.3):
        for share, stable in curve.states(committed):
            if not 0 < share < 1:
                continue
            assert committed + (1 - committed) * answers(share) == pytest.approx(share, abs=0.02)
            after = committed + (1 - committed) * answers(share + 1e-3)
            slope = (after - committed - (1 - committed) * answers(share - 1e-3)) / 2e-3
            assert (slope < 1.1) if stable else (slope > 0.9)


def test_a_jump_is_a_border_and_hysteresis_ends_where_it_must() -> None:
    # Nobody follows below 60 %, everybody (but a tenth) does from there on.
    curve = resting_curve(lambda share: 0.9 if share >= 0.6 else 0.1, jumps=(0.6,), of_free=True)
    # Below: s = f + 0.1 (1 - f) reaches 0.6 at f = 5 / 9. Above, 0.9 is enough by itself.
    assert curve.up == pytest.approx(5 / 9, abs=1e-4)
    assert curve.down == 0.0
    assert [round(share, 2) for share, _ in curve.states(0.0)] == [0.1, 0.6, 0.9]


def test_who_never_follows_is_carried_over_by_more_than_half() -> None:
    curve = resting_curve(lambda share: 0.0)
    assert curve.up == pytest.approx(0.5, abs=1e-6)
    assert curve.down == pytest.approx(0.5, abs=1e-6)
    assert not curve.turns_back


def test_the_critical_mass_is_where_the_chance_passes_a_half() -> None:
    samples = np.array([[0.0, 0.4, 0.9], [0.0, 0.7, 1.0], [0.1, 0.2, 0.4]])
    found = critical_mass([2, 4, 6], samples)
    assert found == (6, 4, None)
    assert critical_mass([2, 4], np.zeros((3, 2))) == (None, None, None)
