"""Fit a response to a run of naming games, by what fits one to a published table."""

from __future__ import annotations

from collections.abc import Callable

from atp_ray.errors import UsageError
from atp_ray.paradigms.conventions.fitted_names import FittedNames, of_interactions
from atp_ray.paradigms.conventions.run_interactions import run_interactions
from atp_ray.paradigms.responding import FitSource
from atp_ray.responses.families import FAMILIES
from atp_ray.responses.fitting import affordable, fit_response
from atp_ray.responses.interactions import Selection, windows
from atp_ray.responses.patterns import patterns_of
from atp_ray.responses.response import make_response

LEAST_EPISODES = 5
EXPERIMENT = "run"  # what a response says it was fitted on


def fit_naming(source: FitSource, n_bootstrap: int, seed: int, on_step: Callable[[int, int], None]) -> FittedNames:
    """Fit the families to the decisions of a checkpoint and keep the one that foresees held-out populations best.

    Raises:
        UsageError: as `run_interactions`, or there are too few populations to hold some out.
    """
    runs, names = run_interactions(source.run_dir, source.checkpoint)
    if len(runs) < LEAST_EPISODES:
        what = f"has {len(runs)} populations with {source.checkpoint}, a fit needs {LEAST_EPISODES}"
        raise UsageError(what, str(source.run_dir), "Play more settings or --seeds")
    decisions = windows(runs)
    patterns = patterns_of(decisions, len(names))
    families = [family for family in FAMILIES if family in source.families] or affordable(patterns)
    fitted = fit_response(patterns, n_bootstrap, seed, families, on_step=on_step)
    sizes = {run.n_agents for run in runs}
    selection = Selection(source.checkpoint, (EXPERIMENT,), names, sizes.pop() if len(sizes) == 1 else None)
    n_decisions = len(decisions.chosen_D)
    return of_interactions(make_response(source.run_dir, selection, runs[0].memory, len(runs), n_decisions, fitted))
