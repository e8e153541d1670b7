"""What episodes and cells of all paradigms have in common: how they are put together, and a cell's readable id."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from atp_ray.checkpoint.profiles import Profile
from atp_ray.config_files import Frozen, parse_model
from atp_ray.networks.kinds import Complete, NetworkKind
from atp_ray.networks.placement import PlacementRule
from atp_ray.play.cells import CellSpec, CheckpointKind
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.sampling import SamplingChange
from atp_ray.play.scenario import Numbers, Scenario
from atp_ray.play.seating import placed


class Way(NamedTuple):
    """How agents are linked, and where the fixed ones sit; None: as they are listed."""

    network: NetworkKind
    placement: PlacementRule | None

    @property
    def label(self) -> str:
        """What a cell's id says of it: nothing where everyone sees everyone."""
        told = [] if isinstance(self.network, Complete) else [str(self.network)]
        return "".join(f"-{part}" for part in (*told, *([self.placement] if self.placement else [])))

    def placed(self, seats: tuple[SeatGroup, ...], seed: int, where: str) -> tuple[SeatGroup, ...]:
        """Return the seats with the fixed agents where they are to sit.

        Raises:
            UsageError: nobody is fixed, or the network has no such place.
        """
        return seats if self.placement is None else placed(seats, self.placement, self.network, seed, where)


def ways_of(networks: Sequence[NetworkKind], placements: Sequence[PlacementRule]) -> list[Way]:
    """Return every combination; without placements fixed agents sit as they are listed."""
    return [Way(*way) for way in itertools.product(networks, placements or (None,))]


def seat_group(profile: Profile, count: int, change: SamplingChange, where: str) -> SeatGroup:
    """Return `count` seats of a checkpoint with the grid's changes to its sampling.

    Raises:
        UsageError: a sampling value is out of range.
    """
    sampling = change.apply(profile.sampling, f"{where}: sampling")
    return SeatGroup(checkpoint=profile.name, count=count, revision=getattr(profile, "revision", ""), sampling=sampling)


# What a request or a grid says of its episodes in so many words; a paradigm has those that mean something in it.
EPISODE_SETTINGS = {
    "rounds",
    "history_window",
    "visibility",
    "feedback",
    "reading",
    "unreadable",
    "talk",
    "probes",
    "probe_rounds",
}


def make_episode(
    settings: Frozen,
    scenario: Scenario,
    numbers: Numbers,
    seats: Sequence[SeatGroup],
    seed: int,
    where: str,
    network: NetworkKind | None = None,
) -> EpisodeSpec:
    """Return one episode.

    Args:
        settings: the request or grid it is made for.
        where: names its source in an error.
        network: who is linked to whom; None: everyone to everyone.

    Raises:
        UsageError: the parts do not go together.
    """
    fields = {
        "scenario": scenario,
        "parameters": numbers,
        "seats": tuple(seats),
        "seed": seed,
        **settings.model_dump(include=EPISODE_SETTINGS),
        **({} if network is None else {"network": network}),
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
