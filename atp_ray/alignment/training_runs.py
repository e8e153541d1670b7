"""Finished training runs as checkpoints: `runs/NAME`, or NAME alone, names what a run in `runs/` has trained."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

from atp_ray.config_files import Foreign, parse_model
from atp_ray.errors import UsageError
from atp_ray.storage.run_folder import read_manifest

RUNS = Path("runs")
RESULT_FOLDER = "checkpoint"
TRAINING_KIND = "training"


class TrainingRun(Foreign):
    """What the `run.json` of a training run says of its result."""

    kind: Literal["training"]
    name: str
    method: Literal["dpo", "grpo"]
    base: str
    base_revision: str
    adapter: bool
    status: str


def find_training_run(name: str) -> Path | None:
    """Return the folder of the training run that `name` stands for, None where there is none."""
    for folder in (Path(name), RUNS / name):
        if (folder / "run.json").is_file() and read_manifest(folder).get("kind") == TRAINING_KIND:
            return folder
    return None


def read_training_run(folder: Path) -> TrainingRun:
    """Return what a training run is.

    Raises:
        UsageError: its `run.json` is damaged.
    """
    return parse_model(TrainingRun, read_manifest(folder), str(folder / "run.json"))


def trained_checkpoint(folder: Path) -> Path:
    """Return the folder of the weights or adapter a run has trained.

    Raises:
        UsageError: the run is not finished.
    """
    run = read_training_run(folder)
    if run.status != "complete":
        hint = "Resume it with the command it started with"
        raise UsageError("the training run is not finished", str(folder), hint)
    return (folder / RESULT_FOLDER).resolve()


def training_runs() -> list[TrainingRun]:
    """Return the training runs in `runs/`, by name."""
    found = []
    for path in sorted(RUNS.glob("*/run.json")):
        with suppress(UsageError):  # a damaged run is said when it is asked for, not when others are
            if read_manifest(path.parent).get("kind") == TRAINING_KIND:
                found.append(read_training_run(path.parent))
    return found
