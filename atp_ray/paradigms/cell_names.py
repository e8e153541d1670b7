"""What all cells have in common: a readable id that changes with any episode, and one group of seats."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from atp_ray.checkpoint.profiles import Profile
from atp_ray.play.cells import CellSpec, CheckpointKind
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.sampling import SamplingChange


def seat_group(profile: Profile, count: int, change: SamplingChange, where: str) -> SeatGroup:
    """Return `count` seats of a checkpoint with the grid's changes to its sampling.

    Raises:
        UsageError: a sampling value is out of range.
    """
    sampling = change.apply(profile.sampling, f"{where}: sampling")
    return SeatGroup(checkpoint=profile.name, count=count, revision=getattr(profile, "revision", ""), sampling=sampling)


def named_cell(
    grid_name: str,
    label: str,
    checkpoint: str,
    kind: CheckpointKind,
    episodes: Sequence[EpisodeSpec],
    n_agents: int | None = None,
    setting: Mapping[str, float | int | str | None] | None = None,
) -> CellSpec:
    """Return the cell of some episodes; its id is `label` and a digest of them."""
    digest = hashlib.sha256("".join(episode.episode_id for episode in episodes).encode()).hexdigest()[:8]
    return CellSpec(
        cell_id=f"{re.sub(r'[^A-Za-z0-9.-]+', '-', label).strip('-')}-{digest}",
        grid=grid_name,
        checkpoint=checkpoint,
        checkpoint_kind=kind,
        n_agents=n_agents,
        setting=setting or {},
        episodes=tuple(episodes),
    )
