"""Play cells as Ray Tune trials into a run folder, watch them, and say what failed."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import ray
from ray import tune

from actors.coordinator import Progress
from atp_ray.cells import CellSpec
from atp_ray.checkpoint_profiles import Profile
from atp_ray.errors import AtpError
from tune_sweeps.experiment import Experiment, Placement, running_experiment
from tune_sweeps.trial import CellTrial
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
    cells_at_once: int,
    on_progress: Callable[[Progress], None],
    on_started: Callable[[Experiment], None] = lambda _: None,
) -> SweepOutcome:
    """Play `cells` into `run_dir`, `cells_at_once` together; a cell that fails does not stop the others.

    Args:
        on_progress: called about twice a second, from another thread, with the counts of all coordinators.

    Raises:
        EngineError, UsageError: the experiment does not start.
    """
    n_agents = max(cell.population for cell in cells)
    tools = any(cell.paradigm == "tool_usage" for cell in cells)
    with running_experiment(run_dir, profiles, n_agents, placement, tools=tools) as experiment:
        on_started(experiment)
        start = time.monotonic()
        try:
            with watching(lambda: on_progress(total_progress(experiment))):
                errors = _run_trials(cells, experiment, cells_at_once)
        finally:
            on_progress(total_progress(experiment))
        experiment.seconds["rounds"] = time.monotonic() - start
        return SweepOutcome(dict(experiment.seconds), errors)


def _run_trials(cells: Sequence[CellSpec], experiment: Experiment, cells_at_once: int) -> tuple[BaseException, ...]:
    references = {cell.cell_id: ray.put(cell) for cell in cells}
    coordinators = tuple(experiment.coordinators)
    trainable = tune.with_parameters(CellTrial, cells=references, coordinators=coordinators)
    points = [{"cell_id": cell.cell_id, "coordinator": i % len(coordinators)} for i, cell in enumerate(cells)]
    # Tune's own console would print over the progress bar.
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    # Tune logs a failed trial with its traceback; what failed is returned, and said once, by the command.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    # Nothing of Tune's own files is needed again: the event log says what is done. A full run folder cannot break them.
    with tempfile.TemporaryDirectory(prefix="atp_ray-tune-") as scratch:
        tuner = tune.Tuner(
            # A trial only waits for its coordinator: it must not take a CPU from the engine.
            tune.with_resources(trainable, {"memory": TRIAL_MEMORY_BYTES}),
            param_space={"point": tune.grid_search(points)},
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                max_concurrent_trials=cells_at_once,
                trial_dirname_creator=lambda trial: trial.config["point"]["cell_id"],
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=scratch,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # the event log is the checkpoint
                verbose=0,
            ),
        )
        return tuple(_cause(error) for error in tuner.fit().errors)


def _cause(error: BaseException) -> BaseException:
    """Return the project's own error inside what Ray wrapped around it, or the error itself."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, AtpError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return error


def total_progress(experiment: Experiment) -> Progress:
    """Return the counts of all coordinators together; zeros while one of them restarts."""
    try:
        parts = ray.get([coordinator.progress.remote() for coordinator in experiment.coordinators])
    except ray.exceptions.RayError:
        return Progress(0, 0, 0, 0, 0)
    return Progress(*(sum(column) for column in zip(*parts, strict=True)))
