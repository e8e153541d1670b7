"""A fit finds the response that made the data, and says how sure it is."""

import sys

import numpy as np
import pytest
from naming_games import MEMORY, NAMES, TRUTH, play, true_chances, write

from atp_ray.errors import UsageError
from atp_ray.responses.calibration import calibration
from atp_ray.responses.families import LINEAR, RECURRENT, Model, fitter
from atp_ray.responses.features import features
from atp_ray.responses.fitting import affordable, fit_response
from atp_ray.responses.interactions import Selection, Windows, read_runs, windows
from atp_ray.responses.logistic import Logit, fit_logit, log_loss
from atp_ray.responses.patterns import patterns_of
from atp_ray.responses.recurrent import n_parameters
from atp_ray.responses.window_codes import WindowCodes

SELECTION = Selection("known", ("converged",), NAMES)


@pytest.fixture(scope="module")
def patterns(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("games") / "i.parquet", play(60))
    return patterns_of(windows(read_runs(path, SELECTION)), len(NAMES))


@pytest.fixture(scope="module")
def fitted(patterns):
    return fit_response(patterns, n_bootstrap=30, seed=0, families=LINEAR)


@pytest.mark.slow
def test_the_truth_is_found_within_its_bootstrap(patterns, fitted) -> None:
    codes = WindowCodes(len(NAMES), MEMORY)
    drawn_BUK = np.stack(
        [Model(fitted.best.family, len(NAMES), draw).chances(*codes.windows()) for draw in fitted.bootstrap]
    )
    truth_UK = true_chances()
    seen = patterns.counts().sum(axis=1) >= 20
    code_U = [
        int(np.flatnonzero((codes.windows()[0] == own).all(axis=1) & (codes.windows()[1] == other).all(axis=1))[0])
        for own, other in zip(patterns.own_UH[seen], patterns.other_UH[seen], strict=True)
    ]
    off = np.abs(drawn_BUK.mean(axis=0)[code_U] - truth_UK[code_U])
    weights = patterns.counts()[seen].sum(axis=1)
    assert np.average(off[:, 0], weights=weights) < 0.02
    spread = drawn_BUK.std(axis=0)[code_U][:, 0]
    assert np.average(off[:, 0] < 3 * spread + 0.01, weights=weights) > 0.95


@pytest.mark.slow
def test_held_out_loss_is_near_that_of_the_truth_and_far_from_that_of_the_shares(patterns, fitted) -> None:
    shared = features(patterns.own_UH, patterns.other_UH, len(NAMES), "lags")
    best_possible = log_loss(TRUTH.probabilities(shared), patterns.counts())
    assert best_possible - 0.005 < fitted.best.held_out_loss < best_possible + 0.01
    assert fitted.base_loss > fitted.best.held_out_loss + 0.1
    assert len(fitted.candidates) == 12
    assert fitted.best.held_out_loss == min(candidate.held_out_loss for candidate in fitted.candidates)


def test_the_fit_is_calibrated_on_runs_it_has_not_seen(patterns, fitted) -> None:
    assert fitted.calibration.error < 0.01
    assert fitted.calibration.n_B.sum() == pytest.approx(2 * patterns.counts().sum())
    shared = features(patterns.own_UH, patterns.other_UH, len(NAMES), fitted.best.family)
    wrong = calibration(Logit(fitted.model.parameters_P * 3).probabilities(shared), patterns.counts())
    assert wrong.error > fitted.calibration.error * 3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_fit(patterns) -> None:
    one, two = (fit_response(patterns, 2, seed=3, families=("lags",)) for _ in range(2))
    np.testing.assert_array_equal(one.bootstrap[1], two.bootstrap[1])


def test_a_heavier_penalty_shrinks_coefficients(patterns) -> None:
    shared = features(patterns.own_UH, patterns.other_UH, len(NAMES), "lags")
    light, heavy = (fit_logit(shared, patterns.counts(), penalty).coefficient_F for penalty in (0.1, 1e6))
    assert np.abs(heavy).sum() < np.abs(light).sum() / 5


@pytest.mark.parametrize("family", LINEAR)
def test_probabilities_add_up_to_one_and_do_not_depend_on_how_names_are_numbered(family) -> None:
    own, other = np.array([[0, 1, -1]], np.int8), np.array([[1, 1, -1]], np.int8)
    shared = features(own, other, 3, family)
    swapped = features(np.where(own >= 0, 1 - own, own), np.where(other >= 0, 1 - other, other), 3, family)
    assert shared.shape == swapped.shape
    weights = np.random.default_rng(0).normal(size=shared.shape[2])
    assert Logit(weights).probabilities(shared).sum() == pytest.approx(1)
    lags = 2 * own.shape[1]  # own and partner's lags have no name of their own
    np.testing.assert_array_equal(shared[0, 0, :lags], swapped[0, 1, :lags])


def test_one_run_cannot_be_held_out() -> None:
    past = np.zeros((4, 2), np.int8)
    one = Windows(past, past, np.array([0, 1, 0, 1], np.int8), np.zeros(4, np.int32))
    with pytest.raises(UsageError) as refused:
        fit_response(patterns_of(one, 2), 1, 0, LINEAR)
    assert str(refused.value) == "1 runs: too few runs to hold one out. Add --experiment or more runs"


def rhythm(n_runs: int, n_decisions: int, seed: int = 0) -> Windows:
    """Decisions that a logistic on lags cannot see: the name the partner chose twice in a row, else the other one."""
    generator = np.random.default_rng(seed)
    other = generator.integers(2, size=(n_runs * n_decisions, 2)).astype(np.int8)
    own = generator.integers(2, size=other.shape).astype(np.int8)
    agrees = other[:, -1] == other[:, -2]
    chosen = np.where(generator.random(len(other)) < 0.9, np.where(agrees, 1, 0), np.where(agrees, 0, 1))
    return Windows(own, other, chosen.astype(np.int8), np.repeat(np.arange(n_runs, dtype=np.int32), n_decisions))


@pytest.mark.xdist_group("torch")
def test_a_network_that_reads_the_window_finds_what_a_logistic_does_not() -> None:
    patterns = patterns_of(rhythm(3, 400), 2)
    found = fit_response(patterns, 1, seed=0, families=("lags", "recurrent_by_name"), penalties=(1.0,))
    logistic, recurrent = found.candidates
    assert found.best == recurrent
    assert recurrent.held_out_loss < 0.45 < 0.6 < logistic.held_out_loss  # 0.325 nats is all that can be known
    again = fit_response(patterns, 1, seed=0, families=("recurrent_by_name",), penalties=(1.0,))
    np.testing.assert_array_equal(found.bootstrap[0], again.bootstrap[0])


def test_a_network_without_names_of_its_own_does_not_depend_on_how_names_are_numbered() -> None:
    own, other = np.array([[0, 1, 2], [2, 2, -1]], np.int8), np.array([[1, 1, 2], [0, 2, -1]], np.int8)
    generator = np.random.default_rng(0)
    shuffled = np.array([2, 0, 1, -1], np.int8)  # the new number of each name; -1 stays
    for family, by_name in zip(RECURRENT, (False, True), strict=True):
        numbers = generator.normal(size=n_parameters(3, by_name))
        shared = n_parameters(3, by_name=False) - 6
        numbers[shared : shared + 6] = 0  # no preferences
        model = Model(family, 3, numbers)
        chances, renamed = model.chances(own, other), model.chances(shuffled[own], shuffled[other])
        assert chances.sum(axis=1) == pytest.approx(1)
        same = np.allclose(chances, renamed[:, shuffled[:3]])
        assert same != by_name


def test_playing_needs_no_torch_and_fitting_says_that_it_does(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "atp_ray.responses.recurrent_fitting", raising=False)
    own = np.zeros((1, 3), np.int8)
    assert Model("recurrent", 2, np.zeros(n_parameters(2, False))).chances(own, own) == pytest.approx(0.5)
    with pytest.raises(UsageError) as refused:
        fitter("recurrent", own, own, 2)
    assert str(refused.value) == (
        "family recurrent: needs torch, which is not installed. Use --families lags,counts,by_name"
    )


def test_numbers_of_another_version_are_refused() -> None:
    for family in (*LINEAR, *RECURRENT):
        with pytest.raises(UsageError, match="was fitted with other features"):
            Model(family, 2, np.zeros(3)).chances(np.zeros((1, 3), np.int8), np.zeros((1, 3), np.int8))


def test_with_many_names_families_of_each_names_own_are_left_out(patterns) -> None:
    assert affordable(patterns) == [*LINEAR, *RECURRENT]
    assert affordable(patterns._replace(n_names=10)) == ["lags", "counts", "recurrent"]
    many = patterns._replace(own_UH=np.zeros((30_000, 3), np.int8))
    assert affordable(many) == list(LINEAR)
