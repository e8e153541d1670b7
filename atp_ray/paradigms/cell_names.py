"""What episodes and cells of all paradigms have in common: how they are put together, and a cell's readable id."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from atp_ray.checkpoint.profiles import Profile
from atp_ray.config_files import parse_model
from atp_ray.play.cells import CellSpec, CheckpointKind
from atp_ray.play.episodes import EpisodeSpec, SeatGroup, Visibility
from atp_ray.play.sampling import SamplingChange
from atp_ray.play.scenario import Numbers, Scenario


def seat_group(profile: Profile, count: int, change: SamplingChange, where: str) -> SeatGroup:
    """Return `count` seats of a checkpoint with the grid's changes to its sampling.

    Raises:
        UsageError: a sampling value is out of range.
    """
    sampling = change.apply(profile.sampling, f"{where}: sampling")
    return SeatGroup(checkpoint=profile.name, count=count, revision=getattr(profile, "revision", ""), sampling=sampling)


class Lengths(Protocol):
    """What every request and every grid says of the length of its episodes."""

    @property
    def rounds(self) -> int:
        """Rounds of an episode."""
        ...

    @property
    def history_window(self) -> int:
        """Past rounds an agent is shown."""
        ...


def make_episode(
    lengths: Lengths,
    scenario: Scenario,
    numbers: Numbers,
    seats: Sequence[SeatGroup],
    seed: int,
    where: str,
    visibility: Visibility = "choices",
) -> EpisodeSpec:
    """Return one episode; `where` names its source in an error.

    Raises:
        UsageError: the parts do not go together.
    """
    fields = {
        "scenario": scenario,
        "parameters": numbers,
        "seats": tuple(seats),
        "rounds": lengths.rounds,
        "visibility": visibility,
        "history_window": lengths.history_window,
        "seed": seed,
    }
    return parse_model(EpisodeSpec, fields, where)


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
        cell_id=f"{_readable(label)}-{digest}",
        grid=grid_name,
        checkpoint=checkpoint,
        checkpoint_kind=kind,
        n_agents=n_agents,
        setting=setting or {},
        episodes=tuple(episodes),
    )


def setting_label(cell: CellSpec) -> str:
    """Return what a cell's id says of its setting, without the checkpoint: `n8-t4-g1`, `all-unsupervised`."""
    label = cell.cell_id.rpartition("-")[0]
    return label.removeprefix(_readable(cell.checkpoint)).strip("-") or label


def _readable(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", label).strip("-")
