"""Response models of games: quantal response, and a plain logistic on what was seen."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from atp_ray.config_files import Frozen
from atp_ray.paradigms.games.observed import FIRST_ROUND, Observed
from atp_ray.paradigms.games.quantal import FloatArray, GameResponse, QuantalResponse, log_stakes
from atp_ray.paradigms.games.scenarios import GameNumbers

Family = Literal["quantal", "logistic"]
FEATURES = (
    "constant", "threshold share", "log gain", "log loss", "seen", "share of others", "share above threshold",
    "success",
)  # fmt: skip
_WEAK = 1e-3  # a penalty that only decides where the data say nothing


class LogisticResponse(Frozen):
    """Log-odds linear in `FEATURES`: shares of the population, so that it can be asked about another size."""

    coefficients: tuple[float, ...]

    def collude_probability(
        self,
        parameters: GameNumbers,
        others_deviant_S: FloatArray | None = None,
        others_decided_S: FloatArray | None = None,
        success: bool | None = None,
    ) -> FloatArray:
        """Return each seat's probability of colluding, [S]; [1] in the first round."""
        if others_deviant_S is None or others_decided_S is None:
            others_deviant_S, others_decided_S = np.full(1, float(FIRST_ROUND)), np.zeros(1)
        seen = logistic_features(parameters, others_deviant_S, others_decided_S, np.full(1, bool(success)))
        chance: FloatArray = expit(seen @ np.array(self.coefficients))
        return chance


def logistic_features(
    parameters: GameNumbers, others_deviant_S: FloatArray, others_decided_S: FloatArray, success_S: FloatArray
) -> FloatArray:
    """Return the features [S, F] of each situation."""
    seen_S = (others_deviant_S != FIRST_ROUND).astype(float)
    share_S = np.where(seen_S > 0, others_deviant_S / np.maximum(others_decided_S, 1), 0.0)
    needed = (parameters.threshold - 1) / max(1, parameters.n_agents - 1)
    columns = [np.full(len(seen_S), value) for value in (1.0, needed, *log_stakes(parameters))]
    return np.stack([*columns, seen_S, share_S, seen_S * (share_S - needed), seen_S * success_S], axis=1)


def chances(response: GameResponse, observed: Observed) -> FloatArray:
    """Return the probability of colluding in each situation [U]."""
    if isinstance(response, QuantalResponse):
        return _quantal_chances(response, observed)
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


def _quantal_chances(response: QuantalResponse, observed: Observed) -> FloatArray:
    """Return what `collude_probability` does, for all settings of one size and threshold together."""
    seen_U = observed.others_deviant_U != FIRST_ROUND
    evidence_U2 = response.evidence(
        np.where(seen_U, observed.others_deviant_U, 0).astype(float), observed.others_decided_U.astype(float)
    )
    stakes_X2 = np.array([log_stakes(numbers) for numbers in observed.settings])
    gain_U, loss_U = stakes_X2[observed.setting_U].T
    sizes = [(numbers.n_agents, numbers.threshold) for numbers in observed.settings]
    success_U = np.zeros(len(seen_U))
    for size in sorted(set(sizes)):
        here_U = np.array([found == size for found in sizes])[observed.setting_U]
        cases, inverse = np.unique(evidence_U2[here_U], axis=0, return_inverse=True)
        success_U[here_U] = response.success_chance(*size, cases)[inverse.reshape(-1)]
    pull_U = seen_U * np.where(observed.success_U, response.success_pull, response.failure_pull)
    chance_U: FloatArray = expit(
        response.inverse_temperature * (success_U * gain_U + (1 - success_U) * loss_U) + pull_U
    )
    return chance_U


def log_loss(chance_U: FloatArray, colluded_U: FloatArray, refrained_U: FloatArray) -> float:
    """Return the mean negative log-likelihood of a decision, in nats."""
    least = np.finfo(float).tiny
    gained = colluded_U @ np.log(np.maximum(chance_U, least)) + refrained_U @ np.log(np.maximum(1 - chance_U, least))
    return -float(gained) / float(colluded_U.sum() + refrained_U.sum())


def fit_quantal(
    observed: Observed, colluded_U: FloatArray, refrained_U: FloatArray, start: QuantalResponse | None = None
) -> QuantalResponse:
    """Return the quantal response of the highest likelihood; at most as many others count as were ever seen.

    Args:
        start: parameters to begin with; those of the policy of `policy:quantal` are never looked at otherwise.
    """
    cap = float(max(1, observed.others_decided_U.max()))
    begin = start or QuantalResponse(
        inverse_temperature=3, prior_collude=1, prior_refrain=1, success_pull=0, failure_pull=0, evidence_cap=cap
    )
    scale = float(colluded_U.sum() + refrained_U.sum())

    def made(theta: FloatArray) -> QuantalResponse:
        temperature, collude, refrain = np.exp(np.clip(theta[:3], -6, 6))
        return QuantalResponse(
            inverse_temperature=float(temperature), prior_collude=float(collude), prior_refrain=float(refrain),
            success_pull=float(theta[3]), failure_pull=float(theta[4]), evidence_cap=cap,
        )  # fmt: skip

    def loss(theta: FloatArray) -> float:
        return log_loss(chances(made(theta), observed), colluded_U, refrained_U) + _WEAK * float(theta @ theta) / scale

    logs = np.log([begin.inverse_temperature, begin.prior_collude, begin.prior_refrain])
    first = np.array([*logs, begin.success_pull, begin.failure_pull])
    return made(minimize(loss, first, method="L-BFGS-B", options={"maxiter": 300}).x)


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
