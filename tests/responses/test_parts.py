"""The parts a fit is made of, against small numbers reckoned by hand or another way."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize

from atp_ray.errors import UsageError
from atp_ray.responses import fitting
from atp_ray.responses.calibration import calibration
from atp_ray.responses.families import LINEAR, Model, fitter
from atp_ray.responses.features import features
from atp_ray.responses.fitting import Candidate, fit_response
from atp_ray.responses.interactions import Run, Windows
from atp_ray.responses.logistic import Logit, fit_logit, log_loss
from atp_ray.responses.observed_flips import ObservedFlips, observed_flips
from atp_ray.responses.patterns import patterns_of
from atp_ray.responses.prediction import critical_mass
from atp_ray.responses.recurrent import HIDDEN, inputs, log_odds, n_parameters
from atp_ray.responses.resting import RestingCurve, resting_curve

OWN, OTHER = np.array([[0, 1, 1], [-1, -1, 1]], np.int8), np.array([[1, 1, 0], [-1, -1, 1]], np.int8)


def test_features_of_a_window_are_these() -> None:
    found = features(OWN, OTHER, 2, "by_name")
    assert features(OWN, OTHER, 2, "lags").tolist() == found[:, :, :10].tolist()
    assert features(OWN, OTHER, 2, "counts").tolist() == found[:, :, :22].tolist()
    # The second name in the first window: said at lags 2 and 1, met at 3 and 2; 2 / 3 of the window each.
    x = 2 / 3
    lags = [0, 1, 1, 1, 1, 0, 0, 1, 0, 0]
    both, products = [0, 1, 0], [x**2, x**2, x * x, x**3, x**3, x**3, x**3, 0, 0]
    own_counts = [0, x, 0, x, 0, x**2, 0, x**2, 0, x * x]
    assert found[0, 1].tolist() == pytest.approx([*lags, *both, *products, *own_counts])
    # In the second one it was said and met once, and two of three places are empty.
    y = 1 / 3
    lags = [0, 0, 1, 0, 0, 1, 0, 1, 0, x]
    both, products = [0, 0, 1], [y**2, y**2, y * y, y**3, y**3, y**3, y**3, y * x, y * x]
    own_counts = [0, y, 0, y, 0, y**2, 0, y**2, 0, y * y]
    assert found[1, 1].tolist() == pytest.approx([*lags, *both, *products, *own_counts])
    # Own and met counts that differ: the first name was said once and met once, at other lags.
    uneven = features(np.array([[0, 0, 1]], np.int8), np.array([[1, 0, 1]], np.int8), 2, "counts")[0, 0]
    assert uneven[13:].tolist() == pytest.approx([x**2, y**2, x * y, x**3, y**3, x**2 * y, x * y**2, 0, 0])


def test_equal_windows_are_counted_once_by_run_and_name() -> None:
    own, other = np.array([[0], [1], [0], [0]], np.int8), np.array([[1], [1], [1], [0]], np.int8)
    found = patterns_of(Windows(own, other, np.array([1, 0, 1, 0], np.int8), np.array([0, 0, 1, 1], np.int32)), 2)
    assert (found.own_UH.tolist(), found.other_UH.tolist()) == ([[0], [0], [1]], [[0], [1], [1]])
    assert found.counts().tolist() == [[1, 0], [0, 2], [1, 0]]
    assert found.counts(np.array([2.0, 0.5])).tolist() == [[0.5, 0], [0, 2.5], [2, 0]]
    assert (found.n_runs, found.n_names, found.counts_RUK.nnz) == (2, 2, 4)


def test_a_fit_has_the_highest_penalised_likelihood_in_units_of_each_feature() -> None:
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(9, 3, 4)) * np.array([1.0, 5.0, 0.2, 0.0])
    counts = generator.integers(0, 5, size=(9, 3)).astype(float)
    counts[2], counts[3] = 0, [0, 1, 0]
    shared[2] = 1e6  # a window that nobody decided in says nothing, not even about units
    seen = [0, 1, 3, 4, 5, 6, 7, 8]
    scale = np.where(np.arange(4) < 3, shared[seen].reshape(-1, 4).std(axis=0), 1.0)

    def loss(coefficients) -> float:
        log_odds = shared[seen] @ coefficients
        log_chances = log_odds - np.log(np.exp(log_odds).sum(axis=1, keepdims=True))
        return -(counts[seen] * log_chances).sum() + 3.0 / 2 * ((coefficients * scale) ** 2).sum()

    expected = minimize(
        loss, np.zeros(4), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 5000}
    )
    for start in (None, np.array([1.0, -1.0, 0.5, 0.0])):
        found = fit_logit(shared, counts, 3.0, start).coefficient_F
        assert found[:3] == pytest.approx(expected.x[:3], abs=2e-4)
    assert Logit(np.array([1.0, 0, 0, 0])).probabilities(
        np.log(np.array([[[2.0], [6.0]]])) * np.array([1.0, 0, 0, 0])
    ) == (pytest.approx(np.array([[0.25, 0.75]])))


def test_a_fit_goes_on_from_where_it_begins_for_so_many_steps(monkeypatch) -> None:
    generator = np.random.default_rng(0)
    shared, counts = generator.normal(size=(9, 3, 4)) * 5, generator.integers(0, 5, size=(9, 3)).astype(float)
    best = fit_logit(shared, counts, 1.0).coefficient_F
    monkeypatch.setattr("atp_ray.responses.logistic.MOST_STEPS", 1)
    assert np.abs(fit_logit(shared, counts, 1.0).coefficient_F - best).max() > 0.01
    assert fit_logit(shared, counts, 1.0, best).coefficient_F == pytest.approx(best, abs=1e-4)


def test_the_loss_is_the_mean_over_decisions() -> None:
    chances = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    assert log_loss(chances, np.array([[2, 0], [0, 1], [1, 0]])) == pytest.approx(
        (2 * math.log(2) - math.log(0.75)) / 4
    )
    with warnings.catch_warnings(action="error"):
        assert math.isnan(log_loss(chances, np.zeros((3, 2))))
    assert 700 < log_loss(chances[2:], np.array([[0, 1]])) < 710  # impossible, and no infinity


def test_predicted_and_observed_shares_by_tenths() -> None:
    chances = np.array([[0.06, 0.94], [0.5, 0.5], [1.0, 0.0]])
    found = calibration(chances, np.array([[1, 9], [3, 1], [2, 0]]))
    # Bins from 0 (0.06 and 0), 0.5 (both), 0.9 (0.94 and 1).
    assert found.n_B.tolist() == [12, 8, 12]
    assert found.predicted_B.tolist() == pytest.approx([0.6 / 12, 0.5, (9.4 + 2) / 12])
    assert found.observed_B.tolist() == pytest.approx([1 / 12, 0.5, 11 / 12])
    assert found.error == pytest.approx((0.4 + 0 + 0.4) / 32)
    assert found.worst == pytest.approx(0.4 / 12)
    rare = found._replace(n_B=np.array([1.0, 99.0, 0.0]), observed_B=np.array([0.5, 0.4, 1.0]))
    assert rare.worst == pytest.approx(0.45)  # one of a hundred is enough to count
    assert rare._replace(n_B=np.array([1.0, 100.0, 0.0])).worst == pytest.approx(0.1)


def gru(parameters, read_HS, empty: float, name: int, n_names: int, by_name: bool) -> float:
    """One name's log-odds as a gated recurrent unit is written down (arXiv 1406.1078), unit by unit."""
    rest = list(parameters)

    def take(*shape):
        count = int(np.prod(shape))
        taken = np.array(rest[:count]).reshape(shape)
        del rest[:count]
        return taken

    gates = 3 * HIDDEN
    read_weight, state_weight, read_bias, state_bias = take(4, gates), take(HIDDEN, gates), take(gates), take(gates)
    value, preference, fading = take(HIDDEN), take(n_names), take(n_names)
    own = take(n_names, gates)[name] if by_name else np.zeros(gates)
    state = np.zeros(HIDDEN)
    for read in read_HS:
        seen, past = read @ read_weight + read_bias + own, state @ state_weight + state_bias
        reset, kept, new = np.zeros(HIDDEN), np.zeros(HIDDEN), np.zeros(HIDDEN)
        for unit in range(HIDDEN):
            reset[unit] = 1 / (1 + math.exp(-seen[unit] - past[unit]))
            kept[unit] = 1 / (1 + math.exp(-seen[HIDDEN + unit] - past[HIDDEN + unit]))
            new[unit] = math.tanh(seen[2 * HIDDEN + unit] + reset[unit] * past[2 * HIDDEN + unit])
        state = (1 - kept) * new + kept * state
    assert not rest
    return float(state @ value + preference[name] + fading[name] * empty)


@pytest.mark.parametrize("by_name", [False, True])
def test_the_network_is_a_gated_recurrent_unit(by_name: bool) -> None:
    own, other = np.array([[0, 1, 2], [-1, 2, 2]], np.int8), np.array([[1, 1, 0], [-1, 0, 2]], np.int8)
    numbers = np.random.default_rng(0).normal(size=n_parameters(3, by_name))
    read_UKHS, empty_U1 = inputs(own, other, 3)
    assert read_UKHS[0, 1].tolist() == [[0, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]]
    assert read_UKHS[1, 2].tolist() == [[0, 0, 0, 1], [1, 0, 0, 0], [1, 1, 1, 0]]
    assert empty_U1.tolist() == [[0.0], [pytest.approx(1 / 3)]]
    found = log_odds(numbers, read_UKHS, empty_U1, by_name)
    for window in range(2):
        for name in range(3):
            expected = gru(numbers, read_UKHS[window, name], float(empty_U1[window, 0]), name, 3, by_name)
            assert found[window, name] == pytest.approx(expected)
    model = Model("recurrent_by_name" if by_name else "recurrent", 3, numbers)
    weights = np.exp(found)
    assert model.chances(own, other) == pytest.approx(weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("family", LINEAR)
def test_a_linear_family_is_a_logit_of_its_features_and_is_fitted_as_one(family) -> None:
    generator = np.random.default_rng(0)
    own, other = generator.integers(-1, 3, size=(2, 6, 4)).astype(np.int8)
    shared = features(own, other, 3, family)
    numbers = generator.normal(size=shared.shape[2])
    found = Model(family, 3, numbers).chances(own, other)
    assert found == pytest.approx(Logit(numbers).probabilities(shared))
    assert found.sum(axis=1) == pytest.approx(np.ones(6))
    counts = generator.integers(1, 5, size=(6, 3)).astype(float)
    for start in (None, numbers):
        fitted = fitter(family, own, other, 3)(counts, 2.0, start)
        assert fitted == pytest.approx(fit_logit(shared, counts, 2.0, start).coefficient_F)
    for wrong in (numbers[1:], np.append(numbers, 0)):
        with pytest.raises(UsageError) as refused:
            Model(family, 3, wrong).chances(own, other)
        assert str(refused.value) == "the response: was fitted with other features. Fit it again with this version"


@pytest.mark.parametrize("by_name", [False, True])
def test_a_network_has_the_numbers_of_its_family(by_name: bool) -> None:
    numbers = np.zeros(n_parameters(2, by_name) + 1)
    model = Model("recurrent_by_name" if by_name else "recurrent", 2, numbers)
    assert model._replace(parameters_P=numbers[1:]).chances(OWN, OTHER) == pytest.approx(0.5)
    for wrong in (numbers, numbers[2:], numbers[: n_parameters(2, not by_name)]):
        with pytest.raises(UsageError, match="was fitted with other features"):
            model._replace(parameters_P=wrong).chances(OWN, OTHER)


def test_bins_are_tenths_and_a_single_decision_fills_one() -> None:
    found = calibration(np.array([[0.85, 0.15], [1.0, 0.0]]), np.array([[1, 0], [0, 2]]))
    assert found.n_B.tolist() == [2, 1, 1, 2]
    assert found.predicted_B.tolist() == pytest.approx([0, 0.15, 0.85, 1])
    assert found.observed_B.tolist() == [1, 0, 1, 0]


def few_decisions():
    """Seven runs of eight decisions each that follow what was met last, one run the other way round."""
    generator = np.random.default_rng(4)
    own, other = (generator.integers(2, size=(56, 2)).astype(np.int8) for _ in range(2))
    run = np.repeat(np.arange(7, dtype=np.int32), 8)
    chosen = np.where((generator.random(56) < 0.85) != (run == 6), other[:, 1], 1 - other[:, 1]).astype(np.int8)
    return patterns_of(Windows(own, other, chosen, run), 2)


def test_a_fit_begins_where_the_one_before_ended_but_for_a_network_that_would_have_seen_what_is_held_out(
    monkeypatch,
) -> None:
    asked, sizes = [], {"lags": 8, "recurrent": n_parameters(2, False)}

    def counting(family, *_):
        def fit(counts_UK, penalty, start):
            asked.append((family, penalty, None if start is None else int(start[0])))
            return np.append(len(asked), np.zeros(sizes[family] - 1))

        return fit

    monkeypatch.setattr(fitting, "fitter", counting)
    found = fit_response(few_decisions(), 2, 3, ("lags", "recurrent"))
    linear = [part for part in asked if part[0] == "lags"][: 5 * len(fitting.PENALTIES)]
    assert [penalty for _, penalty, _ in linear[::5]] == sorted(fitting.PENALTIES, reverse=True)
    assert [start for *_, start in linear] == [None if place % 5 == 0 else place for place in range(len(linear))]
    network = asked[len(linear) : len(linear) + 5 * len(fitting.PENALTIES_RECURRENT)]
    assert [penalty for _, penalty, _ in network[::5]] == sorted(fitting.PENALTIES_RECURRENT, reverse=True)
    assert {start for *_, start in network} == {None}
    whole = len(linear) + len(network) + 1
    assert asked[whole - 1 :] == [(*found.best[:2], None), *[(*found.best[:2], whole)] * 2]


def test_every_candidate_is_judged_by_runs_it_has_not_seen_and_the_best_is_fitted_on_all() -> None:
    patterns, steps = few_decisions(), []
    found = fit_response(
        patterns, 2, 3, ("lags", "counts"), (0.1, 30.0), on_step=lambda done, total: steps.append((done, total))
    )
    assert steps == [(done, 2 * 2 * 5 + 1 + 2) for done in range(1, 24)]
    assert [candidate[:2] for candidate in found.candidates] == [
        ("lags", 30.0), ("lags", 0.1), ("counts", 30.0), ("counts", 0.1),
    ]  # fmt: skip
    fold_R = np.random.default_rng(3).permutation(np.arange(7) % 5)
    shared = features(patterns.own_UH, patterns.other_UH, 2, "lags")
    losses, base, decisions, fitted_on = [], [], [], []
    for fold in range(5):
        rest, held = (patterns.counts(here.astype(float)) for here in (fold_R != fold, fold_R == fold))
        losses.append(log_loss(fit_logit(shared, rest, 30.0).probabilities(shared), held))
        shares = (rest.sum(axis=0) + 0.5) / (rest.sum() + 1)
        base.append(log_loss(np.tile(shares, (len(held), 1)), held))
        decisions.append(held.sum())
        fitted_on.append(rest.sum())
    assert sorted(decisions) == [8, 8, 8, 16, 16]
    assert found.candidates[0].held_out_loss == pytest.approx(np.average(losses, weights=decisions), abs=1e-4)
    assert found.base_loss == pytest.approx(np.average(base, weights=decisions))
    assert found.best == min(found.candidates, key=lambda candidate: candidate.held_out_loss)
    assert found.model[:2] == (found.best.family, 2)
    assert fit_response(patterns, 1, 3, ("counts", "lags"), (0.1, 30.0)).best == found.best
    whole = fit_logit(
        features(patterns.own_UH, patterns.other_UH, 2, found.best.family), patterns.counts(), found.best.penalty
    )
    assert found.model.parameters_P == pytest.approx(whole.coefficient_F, abs=1e-6)
    assert found.calibration.n_B.sum() == pytest.approx(2 * 56)
    draw_R = np.random.default_rng(4).multinomial(7, np.full(7, 1 / 7)).astype(float)
    shared = features(patterns.own_UH, patterns.other_UH, 2, found.best.family)
    drawn = Logit(found.bootstrap[0]).probabilities(shared)
    assert drawn == pytest.approx(
        fit_logit(shared, patterns.counts(draw_R), found.best.penalty).probabilities(shared), abs=2e-3
    )
    assert len(found.bootstrap) == 2


def test_penalties_are_those_of_the_family_and_two_runs_are_enough() -> None:
    patterns = few_decisions()
    found = fit_response(patterns, 0, 0, ("lags",))
    assert [candidate.penalty for candidate in found.candidates] == [100.0, 10.0, 1.0, 0.1]
    two = patterns._replace(counts_RUK=patterns.counts_RUK[:2])
    assert isinstance(fit_response(two, 0, 0, ("lags",), (1.0,)).best, Candidate)


def run_of(*answers, committed=(0,), own=((1, 1), (1, 1)), n_agents=2) -> Run:
    pairs = np.tile(np.arange(2, dtype=np.int32), (len(answers), 1))
    return Run(n_agents, 2, pairs, np.array(answers, np.int8), frozenset(committed), own, own)


def test_a_population_has_flipped_if_most_of_its_last_answers_are_another_name() -> None:
    held, left, half = [(1, 1)] * 6, [(1, 1)] * 3 + [(0, 0)] * 6, [(0, 1)] * 6
    runs = [
        run_of(*held), run_of(*left), run_of(*half), run_of(*left, committed=(0, 1)),
        run_of(*left, committed=()), run_of(*left, own=((0, 0), (0, 0))), run_of(*left, own=((0, 1), (1, 1))),
        run_of(*left, own=None), run_of(*half[:-1], (0, 0)),
    ]  # fmt: skip
    assert observed_flips(runs, 1) == [ObservedFlips(1, 4, 2), ObservedFlips(2, 1, 1)]
    rate = ObservedFlips(1, 4, 1).rate
    assert (rate.rate, rate.n) == (0.25, 4)


def test_a_critical_mass_is_the_first_number_that_flips_more_often_than_not() -> None:
    assert critical_mass([3, 5, 7], np.array([[0.5, 0.9, 1.0]])) == (3, 3, 3)
    assert critical_mass([3, 5, 7], np.array([[0.4, 0.6, 0.4]])) == (5, 5, 5)
    uneven = np.array([[0.0, 0.0, 0.49]] + [[0.0, 0.6, 1.0]] * 38 + [[0.5, 1.0, 1.0]])
    assert critical_mass([3, 5, 7], uneven) == (5, 5, 5)  # one in forty on either side is left out
    assert critical_mass([3, 5, 7], uneven[[0, 1, 39]]) == (5, 3, None)
    each = np.tri(201).T[:, :200]  # the first number that flips is 0, 1, ... 200, which is one more than was played
    assert critical_mass(range(200), each) == (100, 5, 195)


def test_states_between_points_of_a_curve_and_at_its_ends() -> None:
    curve = RestingCurve(np.array([0.2, 0.4, 0.6, 0.8]), np.array([0.1, 0.3, 0.2, 0.4]), 0.3, 0.2)
    assert curve.states(0.25) == [(pytest.approx(0.35), True), (pytest.approx(0.5), False), (pytest.approx(0.65), True)]
    assert curve.states(0.05) == [(0.0, True)]
    assert curve.states(0.45) == [(1.0, True)]
    assert curve.states(0.1) == []  # it begins just there
    assert curve.states(0.4) == [(pytest.approx(0.8), True)]  # and ends there
    assert curve.turns_back
    assert not curve._replace(down=0.2995).turns_back


def test_the_ends_of_the_bend_are_found_between_points() -> None:
    def answers(share):
        return 1 / (1 + np.exp(-6 * (share - 0.6)))

    share_N = np.linspace(1e-6, 1 - 1e-6, 400_001)
    committed_N = (share_N - answers(share_N)) / (1 - answers(share_N))
    for of_free in (False, True):
        half_N = answers(share_N) if of_free else share_N
        curve = resting_curve(answers, points=31, of_free=of_free)
        assert curve.up == pytest.approx(committed_N[half_N <= 0.5].max(), abs=1e-6)
        assert curve.down == pytest.approx(committed_N[half_N > 0.5].min(), abs=1e-6)
        assert curve.down < curve.up - 0.01


def test_a_curve_is_looked_at_on_both_sides_of_a_jump_and_never_outside_of_shares() -> None:
    curve = resting_curve(lambda share: 0.1 if share < 0.3 else 0.6, jumps=(0.0, 0.3, 1.0, 1.5), points=5)
    near_S = curve.share_S[np.abs(curve.share_S - 0.3) < 1e-3]
    assert near_S.mean() == pytest.approx(0.3, abs=1e-12)
    assert len(near_S) == 2
    assert len(curve.share_S) == 7
    assert 0 < curve.share_S[0] < curve.share_S[-1] < 1
    always = resting_curve(lambda share: 0.9, points=5)
    assert (always.up, always.down) == (0, 0)  # nobody has to be committed


def test_a_curve_says_with_how_many_committed_each_share_rests() -> None:
    curve = resting_curve(lambda share: 0.25 + share / 2, points=5)
    assert curve.share_S.tolist() == pytest.approx([0, 0.146447, 0.5, 0.853553, 1], abs=2e-6)
    expected = (curve.share_S / 2 - 0.25) / (0.75 - curve.share_S / 2)
    assert curve.committed_S == pytest.approx(expected)
    assert curve.up == pytest.approx(0.0, abs=1e-6)
    assert curve.down == pytest.approx(0.0, abs=1e-6)
    # Of the free a half say so where (s - f) / (1 - f) is a half: here at s = 1/2 too, as none is needed.
    assert resting_curve(lambda share: 0.25 + share / 2, points=5, of_free=True).up == pytest.approx(0, abs=1e-6)
    # A half of the free never says so: up to all of them.
    assert resting_curve(lambda share: 0.2, of_free=True).up == pytest.approx(1, abs=2e-6)
