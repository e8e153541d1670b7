"""Fit a response to games: each family, compared on held-out episodes, with a bootstrap over episodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit

import atp_ray
from atp_ray.errors import UsageError
from atp_ray.paradigms.games.fitted_games import LABEL, PARAMETERS, FittedGames, values_of
from atp_ray.paradigms.games.observed import Observed, observed_games
from atp_ray.paradigms.games.quantal import FloatArray, GameResponse, QuantalResponse, log_stakes
from atp_ray.paradigms.games.responses import FEATURES, FIRST_ROUND, Family, LogisticResponse, logistic_features
from atp_ray.paradigms.responding import FitSource

MOST_FOLDS = 5
LEAST_EPISODES = 10
NEGLIGIBLE = 1e-3  # nats per decision: what one more parameter must gain
_WEAK = 1e-3  # a penalty that only decides where the data say nothing
_FIRST_LAPSE, _LEAST_LAPSE = 0.02, 1e-4  # where the search begins


def fit_games(source: FitSource, n_bootstrap: int, seed: int, on_step: Callable[[int, int], None]) -> FittedGames:
    """Fit every family to the decisions of a checkpoint and keep one by the log-loss on held-out episodes.

    Raises:
        UsageError: the run has no decisions of it, or too few episodes to hold some out.
    """
    observed = observed_games(source.run_dir, source.checkpoint)
    n_episodes = len(observed.colluded_EU)
    if n_episodes < LEAST_EPISODES:
        what = f"has {n_episodes} episodes with {source.checkpoint}, a fit needs {LEAST_EPISODES}"
        raise UsageError(what, str(source.run_dir), "Play more settings, games or --seeds")
    generator = np.random.default_rng(seed)
    fold_E = generator.permutation(np.arange(n_episodes) % MOST_FOLDS)
    total, done = len(PARAMETERS) * MOST_FOLDS + 1 + n_bootstrap, 0

    def step() -> None:
        nonlocal done
        done += 1
        on_step(done, total)

    losses = {family: _held_out_loss(family, observed, fold_E, step) for family in PARAMETERS}
    chosen = simplest(losses)
    best = _fitted(chosen, observed, np.ones(n_episodes))
    step()
    draws = []
    for _ in range(n_bootstrap):
        weight_E = generator.multinomial(n_episodes, np.full(n_episodes, 1 / n_episodes)).astype(float)
        draws.append(values_of(_fitted(chosen, observed, weight_E, best), chosen))
        step()
    colluded_U, refrained_U = observed.colluded_EU.sum(axis=0), observed.refrained_EU.sum(axis=0)
    n_decisions = float(colluded_U.sum() + refrained_U.sum())
    rate = np.full(len(colluded_U), colluded_U.sum() / n_decisions)
    return FittedGames(
        label=LABEL.format(checkpoint=source.checkpoint),
        family=chosen,
        losses={str(family): loss for family, loss in losses.items()},
        base_loss=log_loss(rate, colluded_U, refrained_U),
        checkpoint=source.checkpoint,
        episodes=n_episodes,
        decisions=int(n_decisions),
        sizes=tuple(sorted({numbers.n_agents for numbers in observed.settings})),
        version=atp_ray.__version__,
        quantal=best if isinstance(best, QuantalResponse) else None,
        logistic=best if isinstance(best, LogisticResponse) else None,
        bootstrap=tuple(draws),
    )


def simplest(losses: Mapping[Family, float]) -> Family:
    """Return the first family whose loss in nats per decision is the least, or more than that by next to nothing.

    Args:
        losses: in the order of `PARAMETERS`, so that lapses are only found where there are some.
    """
    least = min(losses.values())
    return next(family for family, loss in losses.items() if loss <= least + NEGLIGIBLE)


def _held_out_loss(
    family: Family, observed: Observed, fold_E: npt.NDArray[np.int64], step: Callable[[], None]
) -> float:
    """Return the loss in nats per decision of a family, each fold by a fit to the others."""
    loss = 0.0
    for fold in range(MOST_FOLDS):
        held_E = (fold_E == fold).astype(float)
        counts = held_E @ observed.colluded_EU, held_E @ observed.refrained_EU
        chance_U = chances(_fitted(family, observed, 1 - held_E), observed)
        loss += log_loss(chance_U, *counts) * float(sum(count.sum() for count in counts))
        step()
    return loss / float(observed.colluded_EU.sum() + observed.refrained_EU.sum())


def _fitted(
    family: Family, observed: Observed, weight_E: FloatArray, start: GameResponse | None = None
) -> GameResponse:
    counts = weight_E @ observed.colluded_EU, weight_E @ observed.refrained_EU
    if family == "logistic":
        return fit_logistic(observed, *counts)
    known = start if isinstance(start, QuantalResponse) else None
    return fit_quantal(observed, *counts, known, lapses=family == "quantal with lapses")


def chances(response: GameResponse, observed: Observed) -> FloatArray:
    """Return the probability of colluding in each situation [U]."""
    if isinstance(response, QuantalResponse):
        return _quantal_chances(response, _situations(observed))
    first_U = observed.others_deviant_U == FIRST_ROUND
    chance_U = np.zeros(len(first_U))
    for index, numbers in enumerate(observed.settings):
        for first, success in ((True, False), (False, False), (False, True)):
            here_U = (observed.setting_U == index) & (first_U == first) & (observed.success_U == success)
            if not here_U.any():
                continue
            deviant_S, decided_S = (
                None if first else column[here_U].astype(float)
                for column in (observed.others_deviant_U, observed.others_decided_U)
            )
            chance_U[here_U] = response.collude_probability(numbers, deviant_S, decided_S, success)
    return chance_U


class _Cases(NamedTuple):
    """Situations of one size and threshold: where they are [H], and which of the distinct counts [C] each has seen."""

    n_agents: int
    threshold: int
    here_H: npt.NDArray[np.int64]
    case_H: npt.NDArray[np.int64]
    deviant_C: FloatArray
    decided_C: FloatArray


class _Situations(NamedTuple):
    """What every quantal response is asked about the observed situations [U]: sorted out once for a whole fit."""

    cases: list[_Cases]
    gain_U: FloatArray
    loss_U: FloatArray
    seen_U: npt.NDArray[np.bool_]
    success_U: npt.NDArray[np.bool_]


def _situations(observed: Observed) -> _Situations:
    seen_U = observed.others_deviant_U != FIRST_ROUND
    counts_U2 = np.stack([np.where(seen_U, observed.others_deviant_U, 0), observed.others_decided_U], axis=1)
    sizes = [(numbers.n_agents, numbers.threshold) for numbers in observed.settings]
    cases = []
    for size in sorted(set(sizes)):
        here_H = np.flatnonzero(np.array([found == size for found in sizes])[observed.setting_U])
        counts_C2, case_H = np.unique(counts_U2[here_H], axis=0, return_inverse=True)
        cases.append(_Cases(*size, here_H, case_H.reshape(-1), *counts_C2.T.astype(float)))
    stakes_X2 = np.array([log_stakes(numbers) for numbers in observed.settings])
    gain_U, loss_U = stakes_X2[observed.setting_U].T
    return _Situations(cases, gain_U, loss_U, seen_U, observed.success_U)


def _quantal_chances(response: QuantalResponse, situations: _Situations) -> FloatArray:
    """Return what `collude_probability` does, for all settings of one size and threshold together."""
    success_U = np.zeros(len(situations.seen_U))
    for cases in situations.cases:
        evidence_C2 = response.evidence(cases.deviant_C, cases.decided_C)
        success_C = response.success_chance(cases.n_agents, cases.threshold, evidence_C2)
        success_U[cases.here_H] = success_C[cases.case_H]
    pull_U = situations.seen_U * np.where(situations.success_U, response.success_pull, response.failure_pull)
    worth_U = success_U * situations.gain_U + (1 - success_U) * situations.loss_U
    return response.with_lapses(expit(response.inverse_temperature * worth_U + pull_U))


def log_loss(chance_U: FloatArray, colluded_U: FloatArray, refrained_U: FloatArray) -> float:
    """Return the mean negative log-likelihood of a decision, in nats."""
    least = np.finfo(float).tiny
    gained = colluded_U @ np.log(np.maximum(chance_U, least)) + refrained_U @ np.log(np.maximum(1 - chance_U, least))
    return -float(gained) / float(colluded_U.sum() + refrained_U.sum())


def fit_quantal(
    observed: Observed,
    colluded_U: FloatArray,
    refrained_U: FloatArray,
    start: QuantalResponse | None = None,
    lapses: bool = False,
) -> QuantalResponse:
    """Return the quantal response of the highest likelihood.

    At most as many others count as evidence as were ever seen. How many do is fitted too where games are of several
    sizes; games of one size cannot tell.

    Args:
        start: parameters to begin with; those of the policy of `policy:quantal` are never looked at otherwise.
        lapses: whether some decisions may be a coin's; without them, one choice of 1,000 against the odds makes the
            whole response look less decided.
    """
    most = float(max(1, observed.others_decided_U.max()))
    several_sizes = len({numbers.n_agents for numbers in observed.settings}) > 1
    begin = start or QuantalResponse(
        inverse_temperature=3, prior_collude=1, prior_refrain=1, success_pull=0, failure_pull=0, evidence_cap=most / 2,
        lapse=_FIRST_LAPSE,
    )  # fmt: skip
    scale, situations = float(colluded_U.sum() + refrained_U.sum()), _situations(observed)

    def made(theta: FloatArray) -> QuantalResponse:
        temperature, collude, refrain = np.exp(np.clip(theta[:3], -6, 6)).tolist()
        return QuantalResponse(
            inverse_temperature=temperature, prior_collude=collude, prior_refrain=refrain,
            success_pull=float(theta[3]), failure_pull=float(theta[4]),
            lapse=float(expit(theta[5])) if lapses else 0,
            evidence_cap=float(np.clip(np.exp(theta[-1]), 1, most)) if several_sizes else most,
        )  # fmt: skip

    def loss(theta: FloatArray) -> float:
        weak = _WEAK * float(theta[:5] @ theta[:5]) / scale
        return log_loss(_quantal_chances(made(theta), situations), colluded_U, refrained_U) + weak

    first = [*np.log([begin.inverse_temperature, begin.prior_collude, begin.prior_refrain])]
    first += [begin.success_pull, begin.failure_pull]
    first += [float(logit(max(begin.lapse, _LEAST_LAPSE)))] if lapses else []
    first += [float(np.log(begin.evidence_cap))] if several_sizes else []
    return made(minimize(loss, np.array(first), method="L-BFGS-B", options={"maxiter": 300}).x)


def fit_logistic(observed: Observed, colluded_U: FloatArray, refrained_U: FloatArray) -> LogisticResponse:
    """Return the logistic response of the highest likelihood, weakly penalised."""
    features_UF = np.zeros((len(observed.setting_U), len(FEATURES)))
    for index, numbers in enumerate(observed.settings):
        here_U = observed.setting_U == index
        deviant_S, decided_S = observed.others_deviant_U[here_U], observed.others_decided_U[here_U]
        success_S = observed.success_U[here_U].astype(float)
        features_UF[here_U] = logistic_features(numbers, deviant_S.astype(float), decided_S.astype(float), success_S)

    def loss(weight_F: FloatArray) -> tuple[float, FloatArray]:
        odds_U = features_UF @ weight_F
        value = colluded_U @ np.logaddexp(0, -odds_U) + refrained_U @ np.logaddexp(0, odds_U)
        slope_U = (colluded_U + refrained_U) * expit(odds_U) - colluded_U
        return float(value) + _WEAK / 2 * float(weight_F @ weight_F), slope_U @ features_UF + _WEAK * weight_F

    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return LogisticResponse(coefficients=tuple(found.x.tolist()))
