"""A conditional logit with a ridge penalty: the probability of each name from its features."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from atp_ray.responses.features import Array

MOST_STEPS = 1000


class Logit(NamedTuple):
    """A fitted model: one coefficient per feature."""

    coefficient_F: Array

    def probabilities(self, features_UKF: Array) -> Array:
        """Return the probability [U, K] of each name in each window."""
        return np.asarray(softmax(features_UKF @ self.coefficient_F, axis=1))


def fit_logit(features_UKF: Array, counts_UK: Array, penalty: float, start_F: Array | None = None) -> Logit:
    """Return the coefficients of the highest penalised likelihood.

    Args:
        counts_UK: decisions for each name in each window; may be weighted.
        penalty: of the sum of squares of the coefficients, each in units of its feature's standard deviation.
        start_F: coefficients to begin with; zeros if not given.
    """
    n_features = features_UKF.shape[2]
    seen_U = counts_UK.sum(axis=1) > 0
    flat = features_UKF[seen_U]
    scale_F = flat.reshape(-1, n_features).std(axis=0)
    scale_F[scale_F == 0] = 1
    scaled = flat / scale_F
    rows = scaled.reshape(-1, n_features)
    counts = counts_UK[seen_U]
    total_U = counts.sum(axis=1, keepdims=True)

    def loss(coefficient_F: Array) -> tuple[float, Array]:
        log_chances = log_softmax(scaled @ coefficient_F, axis=1)
        residual = total_U * np.exp(log_chances) - counts
        value = -float((counts * log_chances).sum()) + penalty / 2 * float(coefficient_F @ coefficient_F)
        return value, residual.reshape(-1) @ rows + penalty * coefficient_F

    start = np.zeros(n_features) if start_F is None else start_F * scale_F
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    return Logit(found.x / scale_F)


def log_loss(probability_UK: Array, counts_UK: Array) -> float:
    """Return the mean negative log-likelihood of a decision, in nats; NaN without decisions."""
    log_chances = np.log(np.maximum(probability_UK, np.finfo(float).tiny))
    total = counts_UK.sum()
    return -float((counts_UK * log_chances).sum()) / total if total else float("nan")
