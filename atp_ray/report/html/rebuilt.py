"""The episodes of a run as they were specified, made again from its `run.json`; its weights need not be here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import UsageError
from atp_ray.paradigms.grids import Grid, expand
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.report.html.reproduce import recorded_grid
from atp_ray.storage.episode_rows import episode_rows

MOST_EPISODES = 50_000  # of a larger run, only episodes that differ from others in their seed alone are made again
_PROFILES: TypeAdapter[dict[str, Profile]] = TypeAdapter(dict[str, Annotated[Profile, Field(discriminator="kind")]])


def rebuilt_specs(
    run_dir: Path, manifest: Mapping[str, Any], n_episodes: int, wanted: Mapping[str, Collection[str]]
) -> dict[str, EpisodeSpec]:
    """Return the specification of each wanted episode by its id; the id is a hash of all of it, so it is the same one.

    Args:
        n_episodes: how many the run has.
        wanted: ids of episodes by cell.

    Raises:
        UsageError: none of them can be made again: scenarios or prompts have changed since, a file is missing, or the
            run is too large.
    """
    grid = recorded_grid(manifest)
    profiles = read_profiles(manifest)
    ids = {episode_id for own in wanted.values() for episode_id in own}
    rows = [
        row
        for cell_id, own in wanted.items()
        for row in episode_rows(run_dir, "episodes", cell_id, own, ["episode_id", "scenario", "seed"]).to_pylist()
    ]
    found = _reseeded(_expanded(grid.model_copy(update={"seeds": 1}), profiles), rows)
    if len(found) < len(ids) and n_episodes <= MOST_EPISODES:
        found |= {spec.episode_id: spec for spec in _expanded(grid, profiles) if spec.episode_id in ids}
    if not found and n_episodes > MOST_EPISODES:
        raise UsageError("the run has too many episodes to make one of them again")
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


def _expanded(grid: Grid, profiles: Mapping[str, Profile]) -> list[EpisodeSpec]:
    return [episode for cell in expand(grid, profiles) for episode in cell.episodes]


def _reseeded(first: Sequence[EpisodeSpec], rows: Sequence[Mapping[str, Any]]) -> dict[str, EpisodeSpec]:
    """Return the episodes of some rows that are those of seed 0 with another seed: all of them in most grids.

    A grid of many seeds is slow to make as a whole, and ten episodes are all that is wanted.
    """
    found = {}
    for row in rows:
        for spec in first:
            if spec.scenario.name == row["scenario"]:
                # Made anew, as a copy would keep the id that was computed of the other seed.
                fields = {name: getattr(spec, name) for name in EpisodeSpec.model_fields}
                again = EpisodeSpec.model_validate(fields | {"seed": row["seed"]})
                if again.episode_id == row["episode_id"]:
                    found[again.episode_id] = again
                    break
    return found
