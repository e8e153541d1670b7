"""Play cells as Ray Tune trials into a run folder, watch them, and say what failed."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import ray
from ray import ObjectRef

from actors.cell_outcomes import CellOutcome
from actors.coordinator import NO_PROGRESS, Progress
from actors.ray_errors import own_error
from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import AtpError
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from tune_sweeps.experiment import Experiment, Placement, running_experiment
from tune_sweeps.watching import watching

TRIAL_MEMORY_BYTES = 64 * 1024**2


class SweepOutcome(NamedTuple):
    """What a sweep did: seconds by part (ray, engine, agents, rounds) and the errors of cells that failed."""

    seconds: dict[str, float]
    errors: tuple[BaseException, ...]


def play_cells(
    cells: Sequence[CellSpec],
    profiles: Sequence[Profile],
    run_dir: Path,
    placement: Placement,
    cells_at_once: int | None,
    on_progress: Callable[[Progress], None],
    on_started: Callable[[Experiment], None] = lambda _: None,
    on_part: Callable[[str], None] = lambda _: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> SweepOutcome:
    """Play `cells` into `run_dir`; a cell that fails does not stop the others.

    Args:
        cells_at_once: how many play together; None plays as many as keep the engines busy.
        on_progress: called about twice a second, from another thread, with the counts of all coordinators.
        on_part: told what is being started.
        meanwhile: called while engines load, if there are any.

    Raises:
        EngineError, UsageError: the experiment does not start.
    """
    n_agents = max(cell.population for cell in cells)
    tools = any(paradigm(cell.paradigm).environment.uses_tools for cell in cells)
    placement = replace(placement, cells_at_once=cells_at_once)
    with running_experiment(
        run_dir, profiles, n_agents, placement, tools=tools, on_part=on_part, meanwhile=meanwhile
    ) as experiment:
        on_started(experiment)
        start = time.monotonic()
        try:
            with watching(lambda: on_progress(total_progress(experiment))):
                errors = _run_trials(cells, experiment)
        finally:
            on_progress(total_progress(experiment))
        experiment.seconds["rounds"] = time.monotonic() - start
        return SweepOutcome(dict(experiment.seconds), errors)


def _run_trials(cells: Sequence[CellSpec], experiment: Experiment) -> tuple[BaseException, ...]:
    # The coordinators play while Tune is still starting its process; a trial waits for its cell and reports it.
    players = itertools.cycle(experiment.coordinators)
    outcomes = {cell.cell_id: coordinator.play.remote(cell) for cell, coordinator in zip(cells, players, strict=False)}
    # Imported while they play: a command that plays nothing does not pay for it.
    from ray import tune

    from tune_sweeps.trial import CellTrial

    # Tune's own console would print over the progress bar.
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    # Nor does anyone read its CSV, JSON and TensorBoard files, for which it would import TensorBoard (4 s).
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    # Nothing of Tune's own files is needed again: the event log says what is done. A full run folder cannot break them.
    with tempfile.TemporaryDirectory(prefix="atp_ray-tune-") as scratch:
        tuner = tune.Tuner(
            # A trial only waits for its coordinator: it must not take a CPU from the engine.
            tune.with_resources(tune.with_parameters(CellTrial, outcomes=outcomes), {"memory": TRIAL_MEMORY_BYTES}),
            param_space={"cell_id": tune.grid_search(list(outcomes))},
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                max_concurrent_trials=1,  # one process for all cells; how many are in play is up to the coordinators
                trial_dirname_creator=lambda trial: trial.config["cell_id"],
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=scratch,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # the event log is the checkpoint
                verbose=0,
            ),
        )
        tuner.fit()
    return _errors(list(outcomes.values()))


def _errors(outcomes: Sequence[ObjectRef[CellOutcome]]) -> tuple[BaseException, ...]:
    """Return what went wrong in the cells that have ended; an interrupted sweep leaves others unended."""
    ended, _ = ray.wait(list(outcomes), num_returns=len(outcomes), timeout=0)
    errors = []
    for outcome in ended:
        try:
            ray.get(outcome)
        except (ray.exceptions.RayError, AtpError) as error:
            errors.append(own_error(error))
    return tuple(errors)


def total_progress(experiment: Experiment) -> Progress:
    """Return the counts of all coordinators together; zeros while one of them restarts."""
    try:
        parts = ray.get([coordinator.progress.remote() for coordinator in experiment.coordinators])
    except ray.exceptions.RayError:
        return NO_PROGRESS
    return reduce(Progress.plus, parts, NO_PROGRESS)
