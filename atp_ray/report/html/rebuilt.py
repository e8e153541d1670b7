"""The episodes of a run as they were specified, made again from its `run.json`; its weights need not be here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import AtpError, UsageError
from atp_ray.paradigms.grids import Grid, expand, parse_grid
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.storage.episode_rows import episode_rows

MOST_EPISODES = 50_000  # a whole grid of more is not made again
_PROFILES: TypeAdapter[dict[str, Profile]] = TypeAdapter(dict[str, Annotated[Profile, Field(discriminator="kind")]])


def rebuilt_specs(
    run_dir: Path, manifest: Mapping[str, Any], n_episodes: int, wanted: Mapping[str, Collection[str]]
) -> dict[str, EpisodeSpec]:
    """Return the specification of each wanted episode by its id; the id is a hash of all of it, so it is the same one.

    Args:
        n_episodes: how many the run has.
        wanted: ids of episodes by cell.

    Raises:
        UsageError: none of them can be made again: scenarios or prompts have changed since, or a file is missing.
    """
    grid = parse_grid(manifest.get("grid_as_given"), "run.json: grid_as_given")
    profiles = read_profiles(manifest)
    ids = {episode_id for own in wanted.values() for episode_id in own}
    rows = [
        row
        for cell_id, own in wanted.items()
        for row in episode_rows(run_dir, "episodes", cell_id, own, ["scenario", "seed"]).to_pylist()
    ]
    found: dict[str, EpisodeSpec] = {}
    with suppress(AtpError):  # not every selection of scenarios can be named one by one
        found = _expanded(_narrowed(grid, rows), profiles, ids)
    if len(found) < len(ids) and n_episodes <= MOST_EPISODES:
        found = _expanded(grid, profiles, ids)
    if not found:
        raise UsageError("the scenarios or prompts have changed since the run was played")
    return found


def read_profiles(manifest: Mapping[str, Any]) -> dict[str, Profile]:
    """Return the checkpoints of a run as they were resolved when it began.

    Raises:
        UsageError: they cannot be read.
    """
    try:
        return _PROFILES.validate_python(manifest.get("checkpoints"))
    except ValidationError as error:
        raise UsageError("its checkpoints cannot be read", "run.json: checkpoints") from error


def _expanded(grid: Grid, profiles: Mapping[str, Profile], ids: Collection[str]) -> dict[str, EpisodeSpec]:
    episodes = (episode for cell in expand(grid, profiles) for episode in cell.episodes)
    return {episode.episode_id: episode for episode in episodes if episode.episode_id in ids}


def _narrowed(grid: Grid, rows: Sequence[Mapping[str, Any]]) -> Grid:
    """Return the part of a grid that has some scenarios and seeds: a large one is slow to make as a whole."""
    scenarios = ",".join(sorted({row["scenario"] for row in rows}))
    return grid.model_copy(update={"scenarios": scenarios, "seeds": max(row["seed"] for row in rows) + 1})
