"""Fit a response model: family and penalty by cross-validation over runs, uncertainty by a bootstrap over runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.errors import UsageError
from atp_ray.responses.calibration import Calibration, calibration
from atp_ray.responses.families import BY_NAME, LINEAR, RECURRENT, Family, Fitter, Model, fitter
from atp_ray.responses.features import Array
from atp_ray.responses.logistic import log_loss
from atp_ray.responses.patterns import Patterns

PENALTIES = (0.1, 1.0, 10.0, 100.0)
PENALTIES_RECURRENT = (0.3, 3.0)
MOST_FOLDS = 5
MOST_NAMES_BY_NAME = 4  # with more, a name is chosen too rarely for numbers of its own
MOST_ROWS_RECURRENT = 20_000  # windows times names: beyond it a fit takes longer than some minutes


class Candidate(NamedTuple):
    """A family with a penalty, and its log-loss on runs that it was not fitted on, in nats per decision."""

    family: Family
    penalty: float
    held_out_loss: float


class Fitted(NamedTuple):
    """The best candidate fitted on all runs, and the parameters of each bootstrap sample of them.

    `base_loss` is the held-out log-loss of answering with the shares of the names, whatever was seen. `calibration`
    compares the best candidate's probabilities with the decisions of runs that it was not fitted on.
    """

    best: Candidate
    model: Model
    bootstrap: tuple[Array, ...]
    candidates: tuple[Candidate, ...]
    base_loss: float
    calibration: Calibration


def affordable(patterns: Patterns) -> list[Family]:
    """Return the families that are tried if nobody says which."""
    rows = len(patterns.own_UH) * patterns.n_names
    tried: list[Family] = [*LINEAR, *(RECURRENT if rows <= MOST_ROWS_RECURRENT else ())]
    return [family for family in tried if family not in BY_NAME or patterns.n_names <= MOST_NAMES_BY_NAME]


def fit_response(
    patterns: Patterns,
    n_bootstrap: int,
    seed: int,
    families: Sequence[Family],
    penalties: Sequence[float] | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Fitted:
    """Fit every candidate on all but a fold of the runs, take the best on what was left out, and fit it on all.

    Args:
        penalties: to try; those of the family if not given.
        on_step: told after each fit how many of how many are done.

    Raises:
        UsageError: fewer than two runs.
    """
    if patterns.n_runs < 2:
        raise UsageError("too few runs to hold one out", f"{patterns.n_runs} runs", "Add --experiment or more runs")
    folds_R = np.random.default_rng(seed).permutation(np.arange(patterns.n_runs) % min(MOST_FOLDS, patterns.n_runs))
    folds = [(patterns.counts(folds_R != fold), patterns.counts(folds_R == fold)) for fold in np.unique(folds_R)]
    tried = [(family, penalty) for family in families for penalty in penalties or _penalties(family)]
    total = len(tried) * len(folds) + 1 + n_bootstrap
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        on_step(done, total)

    fitters: dict[Family, Fitter] = {}
    candidates, held_out = [], []
    for family, penalty in sorted(tried, key=lambda each: (families.index(each[0]), -each[1])):
        if family not in fitters:
            fitters[family] = fitter(family, patterns.own_UH, patterns.other_UH, patterns.n_names)
        fit, start, predicted = fitters[family], None, []
        for fitted_UK, _ in folds:
            found = fit(fitted_UK, penalty, start)
            start = (
                found if family in LINEAR else None
            )  # a network that began with the other folds would have seen this one
            predicted.append(Model(family, patterns.n_names, found).chances(patterns.own_UH, patterns.other_UH))
            step()
        chances_UK, counts_UK = np.concatenate(predicted), np.concatenate([held_UK for _, held_UK in folds])
        candidates.append(Candidate(family, penalty, log_loss(chances_UK, counts_UK)))
        held_out.append(calibration(chances_UK, counts_UK))
    chosen = min(range(len(candidates)), key=lambda index: candidates[index].held_out_loss)
    best = candidates[chosen]
    fit = fitters[best.family]
    parameters_P = fit(patterns.counts(), best.penalty, None)
    step()
    draws = []
    generator = np.random.default_rng(seed + 1)
    for _ in range(n_bootstrap):
        drawn_R = generator.multinomial(patterns.n_runs, np.full(patterns.n_runs, 1 / patterns.n_runs))
        draws.append(fit(patterns.counts(drawn_R.astype(float)), best.penalty, parameters_P))
        step()
    model = Model(best.family, patterns.n_names, parameters_P)
    return Fitted(best, model, tuple(draws), tuple(candidates), _base_loss(folds), held_out[chosen])


def _penalties(family: Family) -> Sequence[float]:
    return PENALTIES_RECURRENT if family in RECURRENT else PENALTIES


def _base_loss(folds: Sequence[tuple[Array, Array]]) -> float:
    losses, sizes = [], []
    for fitted_UK, held_UK in folds:
        shares_K = (fitted_UK.sum(axis=0) + 0.5) / (fitted_UK.sum() + 0.5 * fitted_UK.shape[1])
        losses.append(log_loss(np.broadcast_to(shares_K, held_UK.shape), held_UK))
        sizes.append(held_UK.sum())
    return float(np.average(losses, weights=sizes))
