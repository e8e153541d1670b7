"""Flips: predicted with their interval, observed, and compared; real populations where their data is at hand."""

from pathlib import Path

import numpy as np
import pytest
from naming_games import MEMORY, NAMES, TRUTH, play, response, write
from scipy.stats import beta
from some_networks import made
from support import UPSTREAM

from atp_ray.networks.kinds import Ring
from atp_ray.responses import prediction
from atp_ray.responses.exact_pairs import flip_chance
from atp_ray.responses.fitting import fit_response
from atp_ray.responses.interactions import Selection, read_runs, windows
from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.observed_flips import ObservedFlips, brier_score, observed_flips
from atp_ray.responses.patterns import patterns_of
from atp_ray.responses.population import Game, Lanes, play_pairs
from atp_ray.responses.prediction import critical_mass, interval, predict_flips, with_theory
from atp_ray.responses.response import make_response

REAL = UPSTREAM.parent / "conventions" / "interactions.parquet"


EIGHT = Game(8, 0, 1, 200)


def test_more_committed_agents_flip_more_often_and_the_interval_holds_the_estimate() -> None:
    flips = predict_flips(response(), [0, 1, 2, 4, 8], EIGHT, 100, seed=0).chances
    chances = [flip.p_flip for flip in flips]
    assert chances == sorted(chances)
    assert chances[-1] == 1.0
    assert all(flip.ci_low <= flip.p_flip <= flip.ci_high for flip in flips)
    assert flips[-1].ci_high == 1.0
    assert [flip.committed for flip in flips] == [0, 1, 2, 4, 8]


def test_the_interval_is_wider_where_the_bootstrap_samples_disagree() -> None:
    same = predict_flips(response(TRUTH.coefficient_F, TRUTH.coefficient_F), [2], EIGHT, 200, seed=0).chances[0]
    preferring = TRUTH.coefficient_F + np.array([0, 0, 0, 0, 0, 0, 1, -1, 0, 0])
    unlike = predict_flips(response(TRUTH.coefficient_F, preferring), [2], EIGHT, 200, seed=0).chances[0]
    assert unlike.ci_high - unlike.ci_low > 2 * (same.ci_high - same.ci_low)


@pytest.mark.parametrize("network", [None, made(Ring(k=4), 8)])
def test_populations_of_every_draw_and_number_are_played_and_counted(network) -> None:
    fit, committed, n_runs = response(TRUTH.coefficient_F, TRUTH.coefficient_F / 2), [1, 2, 4], 15
    steps: list[tuple[int, int]] = []
    found = predict_flips(fit, committed, EIGHT, n_runs, 3, lambda *step: steps.append(step), network)
    assert steps == [(1, 2), (2, 2)]
    generator, lanes = np.random.default_rng(3), Lanes.of(np.repeat(committed, n_runs))
    flips = [play_pairs(responder, EIGHT, lanes, generator, network) for responder in fit.drawn()]
    flips_BC = np.array([[part.sum() for part in np.split(one.flipped_L, 3)] for one in flips])
    low_C, high_C = interval(flips_BC, n_runs, generator)
    for place, chance in enumerate(found.chances):
        here = slice(place * n_runs, (place + 1) * n_runs)
        assert chance[:6] == pytest.approx((
            committed[place], flips_BC[:, place].sum() / (2 * n_runs), low_C[place], high_C[place],
            np.mean([one.after_L[here] for one in flips]), np.mean([one.share_L[here] for one in flips]),
        ))  # fmt: skip
        assert chance[6:] == (None, None)
    assert found.critical == critical_mass(committed, flips_BC / n_runs)
    assert (found.n_agents, found.resting) == (8, None)
    again = predict_flips(fit, committed, EIGHT, n_runs, 3, neighbours=network)
    assert again == found


def test_an_interval_is_of_the_mixture_of_all_posteriors(monkeypatch) -> None:
    monkeypatch.setattr(prediction, "BETA_DRAWS", 20_000)
    flips_BC = np.array([[0, 2, 10, 0, 9], [0, 5, 10, 1, 10]])
    low_C, high_C = interval(flips_BC, 10, np.random.default_rng(0))
    assert (low_C[0], high_C[2]) == (0, 1)  # all did the same
    for place in range(5):
        k_B = flips_BC[:, place]
        for end, share in ((low_C[place], 0.025), (high_C[place], 0.975)):
            if end not in (0, 1):
                assert beta.cdf(end, k_B + 0.5, 10.5 - k_B).mean() == pytest.approx(share, abs=0.002)
    assert low_C[3] > 0
    assert high_C[4] < 1


@pytest.mark.slow
def test_predictions_hold_in_games_of_the_truth(tmp_path: Path) -> None:
    path = write(tmp_path / "i.parquet", *(play(40, n_interactions=200, seed=c, start=0, committed=c) for c in (1, 3)))
    runs = read_runs(path, Selection("known", ("swap",), NAMES))
    # What agents remembered at the start is not in this table: it is what `play` began with.
    own = tuple((0,) * MEMORY for _ in range(8))
    seen = observed_flips([run._replace(own_A=own, other_A=own) for run in runs], start=0)
    predicted = {flip.committed: flip for flip in predict_flips(response(), [1, 3], EIGHT, 2000, seed=1).chances}
    for found in seen:
        low, high = found.rate.low, found.rate.high
        assert low - 0.05 < predicted[found.committed].p_flip < high + 0.05


def test_the_brier_score_is_the_mean_squared_error_over_runs() -> None:
    observed = [ObservedFlips(2, 2, 0), ObservedFlips(5, 4, 3), ObservedFlips(9, 1, 1)]
    # 2 runs at 0.1, 3 flips and one run without at 0.5; 9 was not predicted.
    assert brier_score({2: 0.1, 5: 0.5}, observed) == pytest.approx((2 * 0.01 + 4 * 0.25) / 6)
    with pytest.raises(ValueError, match="no run"):
        brier_score({7: 0.5}, observed)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the published interactions are not here")
@pytest.mark.parametrize("model", ["Llama-2-70b-chat", "Llama-3.1-70B-Instruct"])
def test_flips_of_real_populations_are_foreseen_without_having_seen_a_minority(model: str) -> None:
    names = ("M", "Q")
    runs = read_runs(REAL, Selection(model, ("converged",), names, 24, 5))
    selection = Selection(model, ("converged",), names, 24, 5)
    decisions = windows(runs)
    fitted = fit_response(patterns_of(decisions, 2), 3, 0, ("by_name",))
    fit = make_response(REAL, selection, 5, len(runs), len(decisions.chosen_D), fitted)
    swaps = read_runs(REAL, selection._replace(experiments=("swap",)))
    errors, always, n_runs = 0.0, 0, 0
    for start in (0, 1):
        seen = observed_flips(swaps, start)
        counts = [found.committed for found in seen]
        predicted = predict_flips(fit, counts, Game(24, start, 1 - start, 800), 50, seed=0).chances
        n = sum(found.runs for found in seen)
        errors += n * brier_score({flip.committed: flip.p_flip for flip in predicted}, seen)
        always += sum(found.runs - found.flipped for found in seen)
        n_runs += n
    assert errors / n_runs <= 0.05
    assert errors / n_runs < always / n_runs / 2


def test_theory_is_put_beside_what_is_played_where_it_can_be_had() -> None:
    played = predict_flips(response(), [0, 4, 7], EIGHT, 50, seed=0)
    found = with_theory(played, response(), EIGHT)
    assert found.resting is not None
    assert [chance.p_mean_field for chance in found.chances] == [0.0, 1.0, 1.0]
    assert [chance.p_exact for chance in found.chances[:2]] == [None, None]
    assert found.chances[2].p_exact == pytest.approx(1.0, abs=1e-6)
    assert [chance[:6] for chance in found.chances] == [chance[:6] for chance in played.chances]
    field = MeanField(response().responder())
    curve = field.resting(EIGHT.to)
    assert curve is not None
    assert (found.resting.up, found.resting.down) == (curve.up, curve.down)
    assert found.chances[2].p_exact == flip_chance(response().responder(), EIGHT, 7)


def test_an_infinite_population_of_too_many_windows_is_not_followed(monkeypatch) -> None:
    played = predict_flips(response(), [4], EIGHT, 5, seed=0)
    monkeypatch.setattr("atp_ray.responses.mean_field.MOST_FOLLOWED", 3)
    assert with_theory(played, response(), EIGHT) == played
