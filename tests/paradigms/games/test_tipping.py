"""Where games tip: what is played, counted game by game, and the theory that is put beside it."""

import numpy as np
import pytest
from some_networks import made
from support import make_spec

from atp_ray.measures.tips import tip
from atp_ray.networks.kinds import Ring
from atp_ray.paradigms.games import mean_field, tipping
from atp_ray.paradigms.games.chain import Fixed, tip_chance
from atp_ray.paradigms.games.fitted_games import LABEL, FittedGames, values_of
from atp_ray.paradigms.games.populations import play_games
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.responses.prediction import critical_mass, interval

DRAWS = (QuantalResponse(), QuantalResponse(prior_collude=0.2, success_pull=0.1))
NUMBERS, ROUNDS, FIXED, N_RUNS = make_spec(n=10, threshold=5).parameters, 4, (0, 3, 7), 9


@pytest.fixture(scope="module")
def fitted() -> FittedGames:
    return FittedGames(
        label=LABEL.format(checkpoint="x"), family="quantal", losses={"quantal": 0.2}, base_loss=0.6, checkpoint="x",
        episodes=10, decisions=240, version="test",
        quantal=QuantalResponse(prior_collude=0.5, prior_refrain=2, success_pull=0.5),
        bootstrap=tuple(values_of(draw, "quantal") for draw in DRAWS),
    )  # fmt: skip


def played(fitted, network=None, at_once=N_RUNS):
    """Play as the forecast does: games that tipped [B, C], rounds and shares of each [B, C, G], and the interval."""
    generator = np.random.default_rng(5)
    tipped, times, shares = [], [], []
    for response in fitted.drawn():
        for count in FIXED:
            parts = [min(at_once, N_RUNS - first) for first in range(0, N_RUNS, at_once)]
            share_RG = np.concatenate(
                [play_games(response, NUMBERS, ROUNDS, n, generator, Fixed(count), network=network) for n in parts],
                axis=1,
            )
            tip_G = [tip(rates) for rates in share_RG.T.tolist()]
            tipped.append(sum(found is not None for found in tip_G))
            times.append([found or ROUNDS for found in tip_G])
            shares.append((count + (10 - count) * share_RG[-1]) / 10)
    tipped_BC = np.reshape(tipped, (2, 3))
    return (
        tipped_BC,
        np.reshape(times, (2, 3, -1)),
        np.reshape(shares, (2, 3, -1)),
        interval(tipped_BC, N_RUNS, generator),
    )


def forecast(fitted, network=None, told=lambda done, total: None):
    return tipping.forecast(fitted, NUMBERS, ROUNDS, FIXED, N_RUNS, 5, told, network)


def test_it_counts_the_games_of_every_draw(fitted) -> None:
    steps = []
    found = forecast(fitted, told=lambda *step: steps.append(step))
    tipped_BC, time_BCG, share_BCG, (low_C, high_C) = played(fitted)
    assert steps == [(1, 2), (2, 2)]
    assert 0 < tipped_BC.sum() < tipped_BC.size * N_RUNS
    assert len({*time_BCG.ravel().tolist()}) == ROUNDS
    expected = zip(
        FIXED, tipped_BC.mean(axis=0) / N_RUNS, low_C, high_C, time_BCG.mean(axis=(0, 2)), share_BCG.mean(axis=(0, 2)),
        strict=True,
    )  # fmt: skip
    assert [chance[:6] for chance in found.chances] == [pytest.approx(values) for values in expected]
    assert (found.n_agents, found.critical) == (10, critical_mass(FIXED, tipped_BC / N_RUNS))


def test_theory_is_that_of_the_fitted_response(fitted, monkeypatch) -> None:
    found = forecast(fitted)
    for chance in found.chances:
        fixed = Fixed(chance.committed)
        assert chance.p_exact == tip_chance(fitted.response, NUMBERS, ROUNDS, fixed)
        assert chance.p_mean_field == float(mean_field.course(fitted.response, NUMBERS, ROUNDS, fixed)[-1] > 0.5)
    assert {chance.p_mean_field for chance in found.chances} == {0.0, 1.0}
    assert found.resting is not None
    assert found.resting.share_S.tolist() == mean_field.resting(fitted.response, NUMBERS).share_S.tolist()
    monkeypatch.setattr(tipping, "EXACT_UP_TO", 10)
    assert forecast(fitted).chances == found.chances
    monkeypatch.setattr(tipping, "EXACT_UP_TO", 9)
    assert forecast(fitted).chances == [chance._replace(p_exact=None) for chance in found.chances]


def test_on_a_network_it_is_played_alone(fitted) -> None:
    ring = made(Ring(k=2), 10)
    found = forecast(fitted, ring)
    tipped_BC, _, share_BCG, _ = played(fitted, ring)
    assert [chance.p_flip for chance in found.chances] == pytest.approx((tipped_BC.mean(axis=0) / N_RUNS).tolist())
    assert [chance.share for chance in found.chances] == pytest.approx(share_BCG.mean(axis=(0, 2)).tolist())
    assert {chance[6:] for chance in found.chances} == {(None, None)}
    assert found.resting is None


@pytest.mark.parametrize(("seats", "at_once"), [(49, 4), (5, 1), (40, 4), (90, 9)])
def test_games_are_played_side_by_side_as_far_as_memory_allows(fitted, monkeypatch, seats, at_once) -> None:
    monkeypatch.setattr(tipping, "MOST_SEATS_AT_ONCE", seats)
    tipped_BC, _, share_BCG, _ = played(fitted, at_once=at_once)
    found = forecast(fitted)
    assert [chance.p_flip for chance in found.chances] == pytest.approx((tipped_BC.mean(axis=0) / N_RUNS).tolist())
    assert [chance.share for chance in found.chances] == pytest.approx(share_BCG.mean(axis=(0, 2)).tolist())
