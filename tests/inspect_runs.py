"""A small run as a sweep writes it, played without Ray: what exports to Inspect and other tools are made of."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.paradigms.grids import checkpoint_names, expand, parse_grid
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord
from atp_ray.storage.run_folder import create_run
from atp_ray.storage.tables import write_cell

# Not imported to find out: every worker collects every file, and it takes seconds.
needs_inspect = pytest.mark.skipif(
    find_spec("inspect_ai") is None, reason="inspect-ai is not installed (the extra `inspect`)"
)


def write_sweep(
    folder: Path, grid_fields: dict[str, Any], play: Callable[[EpisodeSpec], list[RoundRecord]]
) -> list[CellSpec]:
    """Write the run of a grid whose episodes are played by `play`; returns its cells."""
    grid = parse_grid({"name": "small", **grid_fields}, "test")
    profiles = resolve_checkpoints(checkpoint_names(grid), None)
    cells = expand(grid, profiles)
    create_run(
        folder,
        {
            "grid_as_given": grid.model_dump(mode="json", exclude_unset=True),
            "grid": grid.model_dump(mode="json"),
            "sandbox": None,
            "checkpoints": {name: profile.model_dump(mode="json") for name, profile in profiles.items()},
            "seeds": list(range(grid.seeds)),
            "n_cells": len(cells),
            "cell_ids": [cell.cell_id for cell in cells],
            "status": "complete",
        },
    )
    for cell in cells:
        write_cell(folder, cell, {spec.episode_id: play(spec) for spec in cell.episodes})
    return cells
