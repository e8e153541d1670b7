"""What the cells of a run are called where each stands for itself."""

from __future__ import annotations

from pathlib import Path

from atp_ray.measures.results import setting_of
from atp_ray.paradigms.registry import paradigm
from atp_ray.storage.tables import read_table


def cell_labels(run_dir: Path) -> dict[str, str]:
    """Return what each finished cell is called, by its id: its checkpoint and its setting.

    Raises:
        UsageError, StorageError: the run has no results or they cannot be read.
    """
    names: dict[str, str] = {}
    for row in read_table(run_dir, "cells").to_pylist():
        if row["cell_id"] not in names:
            setting = setting_of(row)
            label = paradigm(setting.paradigm).presentation.setting_label(setting)
            names[row["cell_id"]] = f"{setting.checkpoint}, {label}"
    return names
