"""The cells of a run, expanded again from what its `run.json` says it was played with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import UsageError
from atp_ray.paradigms.grids import expand, parse_grid
from atp_ray.play.cells import CellSpec
from atp_ray.storage.run_folder import finished_cells

_PROFILES: TypeAdapter[dict[str, Profile]] = TypeAdapter(dict[str, Profile])


def run_profiles(run_dir: Path, manifest: Mapping[str, Any]) -> dict[str, Profile]:
    """Return the checkpoints of a run as they were when it began, by the name they were asked for.

    Raises:
        UsageError: it is no run of a sweep.
    """
    try:
        return _PROFILES.validate_python(manifest["checkpoints"])
    except (KeyError, ValidationError) as error:
        raise UsageError("is no run of a sweep", str(run_dir), "Give the folder a sweep wrote with --out") from error


def run_cells(run_dir: Path, manifest: Mapping[str, Any]) -> list[CellSpec]:
    """Return the finished cells of a run, with their episodes.

    Raises:
        UsageError: it is no run of a sweep, or this version makes other episodes of its grid.
    """
    profiles = run_profiles(run_dir, manifest)
    cells = expand(parse_grid(manifest.get("grid_as_given"), f"{run_dir}/run.json: grid_as_given"), profiles)
    if [cell.cell_id for cell in cells] != manifest.get("cell_ids"):
        hint = f"Use the version that played it (atp_ray {manifest.get('atp_ray')}), or restore what was there then"
        raise UsageError("its scenarios or prompts have changed since it was played", str(run_dir), hint)
    finished = finished_cells(run_dir)
    return [cell for cell in cells if cell.cell_id in finished]
