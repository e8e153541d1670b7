"""Fit a response model: family and penalty by cross-validation over runs, uncertainty by a bootstrap over runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.errors import UsageError
from atp_ray.responses.features import FAMILIES, Array, Family, features
from atp_ray.responses.logistic import Logit, fit_logit, log_loss
from atp_ray.responses.patterns import Patterns

PENALTIES = (0.1, 1.0, 10.0, 100.0)
MOST_FOLDS = 5
MOST_NAMES_BY_NAME = 4  # with more, a name is chosen too rarely for coefficients of its own


class Candidate(NamedTuple):
    """A family with a penalty, and its log-loss on runs that it was not fitted on, in nats per decision."""

    family: Family
    penalty: float
    held_out_loss: float


class Fitted(NamedTuple):
    """The best candidate fitted on all runs, and on each bootstrap sample of them.

    `base_loss` is the held-out log-loss of answering with the shares of the names, whatever was seen.
    """

    best: Candidate
    logit: Logit
    bootstrap: tuple[Logit, ...]
    candidates: tuple[Candidate, ...]
    base_loss: float


def fit_response(
    patterns: Patterns,
    n_bootstrap: int,
    seed: int,
    families: Sequence[Family] = tuple(FAMILIES),
    penalties: Sequence[float] = PENALTIES,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Fitted:
    """Fit every candidate on all but a fold of the runs, take the best on what was left out, and fit it on all.

    Args:
        on_step: told after each fit how many of how many are done.

    Raises:
        UsageError: fewer than two runs.
    """
    if patterns.n_runs < 2:
        raise UsageError("too few runs to hold one out", f"{patterns.n_runs} runs", "Add --experiment or more runs")
    families = [f for f in families if f != "by_name" or patterns.n_names <= MOST_NAMES_BY_NAME]
    folds_R = np.random.default_rng(seed).permutation(np.arange(patterns.n_runs) % min(MOST_FOLDS, patterns.n_runs))
    folds = [(patterns.counts(folds_R != fold), patterns.counts(folds_R == fold)) for fold in np.unique(folds_R)]
    total = len(families) * len(penalties) * len(folds) + 1 + n_bootstrap
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        on_step(done, total)

    by_family = {f: features(patterns.own_UH, patterns.other_UH, patterns.n_names, f) for f in families}
    candidates = []
    for family in families:
        start = None
        for penalty in sorted(penalties, reverse=True):
            losses, sizes = [], []
            for fitted_UK, held_UK in folds:
                logit = fit_logit(by_family[family], fitted_UK, penalty, start)
                start = logit.coefficient_F
                losses.append(log_loss(logit.probabilities(by_family[family]), held_UK))
                sizes.append(held_UK.sum())
                step()
            candidates.append(Candidate(family, penalty, float(np.average(losses, weights=sizes))))
    best = min(candidates, key=lambda candidate: candidate.held_out_loss)
    chosen = by_family[best.family]
    logit = fit_logit(chosen, patterns.counts(), best.penalty)
    step()
    draws = []
    generator = np.random.default_rng(seed + 1)
    for _ in range(n_bootstrap):
        drawn_R = generator.multinomial(patterns.n_runs, np.full(patterns.n_runs, 1 / patterns.n_runs))
        draws.append(fit_logit(chosen, patterns.counts(drawn_R.astype(float)), best.penalty, logit.coefficient_F))
        step()
    return Fitted(best, logit, tuple(draws), tuple(candidates), _base_loss(folds))


def _base_loss(folds: Sequence[tuple[Array, Array]]) -> float:
    losses, sizes = [], []
    for fitted_UK, held_UK in folds:
        shares_K = (fitted_UK.sum(axis=0) + 0.5) / (fitted_UK.sum() + 0.5 * fitted_UK.shape[1])
        losses.append(log_loss(np.broadcast_to(shares_K, held_UK.shape), held_UK))
        sizes.append(held_UK.sum())
    return float(np.average(losses, weights=sizes))
