"""What a sweep tells an experiment tracker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from atp_ray.measures.results import NOT_ABOUT
from atp_ray.storage.run_folder import finished_cells, read_manifest
from atp_ray.storage.tables import read_table

FOLDER = "tracking"  # in the run folder: what trackers keep there
FILES = ("run.json", "README.md")
DESCRIBING = ("n_cells", "n_decisions", "seeds", "atp_ray", "python", "machine", "packages")  # keys of run.json


@dataclass(frozen=True)
class Description:
    """A sweep as trackers show it.

    Args:
        name: that of the run folder.
        config: the settings, nested.
        note: the honest label, empty where there is nothing to say.
        tags: what runs are looked for by.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    note: str
    tags: Mapping[str, str]


def describe(name: str, folder: Path, manifest: Mapping[str, Any]) -> Description:
    """Return a run as its `run.json` describes it."""
    grid, checkpoints = manifest["grid"], manifest["checkpoints"]
    config = {
        "grid": grid,
        # Trackers take a dot for the next level.
        "checkpoints": {name.replace(".", "_"): _told(profile) for name, profile in checkpoints.items()},
        **{key: manifest[key] for key in DESCRIBING if key in manifest},
    }
    tags = {"grid": grid["name"], "paradigm": grid["paradigm"], "atp_ray": manifest["atp_ray"]}
    label = str(manifest.get("label") or "")
    return Description(name, folder, config, label, tags | ({"label": NOT_ABOUT} if label else {}))


def _told(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a checkpoint: not the whole file of a fitted response."""
    return {name: value for name, value in profile.items() if name != "response"}


class Place(NamedTuple):
    """Where a tracked run is: its id, by which it is continued, and where a person finds it."""

    run_id: str
    where: str


class Outcome(NamedTuple):
    """How a sweep ended: its status, rates, figures (PNG) and files that say what it was (card, run.json)."""

    status: str
    cells: pa.Table | None = None
    figures: Sequence[Path] = ()
    files: Sequence[Path] = ()


def outcome_of(run_dir: Path, figures: Sequence[Path]) -> Outcome:
    """Return how a run ended, with its figures and what else of it trackers keep."""
    cells = read_table(run_dir, "cells") if finished_cells(run_dir) else None
    images = [path for path in figures if path.suffix == ".png"]
    status = str(read_manifest(run_dir)["status"])
    return Outcome(status, cells, images, [path for name in FILES if (path := run_dir / name).exists()])


class Tracker(Protocol):
    """One service. Only `check` raises errors of this project; whatever its library raises elsewhere is let through."""

    def check(self) -> None:
        """Make sure that the service can be used, before anything is played.

        Raises:
            UsageError: it cannot be reached, or there is no key.
        """
        ...

    def start(self, description: Description, run_id: str | None) -> Place:
        """Begin a run there, or continue the one with `run_id`."""
        ...

    def log(self, axis: str, step: int, values: Mapping[str, float]) -> None:
        """Add one value to each of some curves, at `step` of an axis: `round` or `decisions`."""
        ...

    def finish(self, outcome: Outcome) -> None:
        """Add what there is at the end, and end."""
        ...

    def later(self, place: str) -> str:
        """Return the command that sends what the service did not get; `place` is the run as the user knows it."""
        ...
