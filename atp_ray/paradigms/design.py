"""The part of a paradigm that makes episodes: what may be asked for, and what comes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from atp_ray.config_files import Frozen, config_names
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.scenario import Numbers, Scenario

if TYPE_CHECKING:
    from atp_ray.checkpoint.profiles import Profile
    from atp_ray.paradigms.grids import Grid
    from atp_ray.paradigms.requests import EpisodeRequest
    from atp_ray.play.cells import CellSpec

SettingColumns = Mapping[str, float | int | str | None]


class Change(Frozen):
    """A change to a running simulation; `kind` tells all of them apart."""

    kind: str


class Design(ABC):
    """Requests, grids, interventions and what they lead to.

    `evaluation_grid` names the grid in which a checkpoint aligned for this paradigm shows what it has learnt;
    `paper_grid` the one that is played as in the paper, None where the paper has no such experiment.
    """

    name: ClassVar[str]
    request_model: ClassVar[type[EpisodeRequest]]
    grid_model: ClassVar[type[Grid]]
    change_models: ClassVar[tuple[type[Change], ...]] = ()
    evaluation_grid: ClassVar[str]
    paper_grid: ClassVar[str | None] = None

    def scenario_names(self) -> list[str]:
        """Return the names of the scenarios the paradigm ships."""
        return config_names(f"scenarios/{self.name}")

    @abstractmethod
    def scenario(self, name: str) -> Scenario:
        """Return a scenario by its name or the path of its YAML file.

        Raises:
            UsageError: nothing of that name, or the file is invalid.
        """

    @abstractmethod
    def episode(self, request: EpisodeRequest, seats: Sequence[SeatGroup]) -> EpisodeSpec:
        """Return the episode that was asked for.

        Raises:
            UsageError: the numbers do not go together.
        """

    @abstractmethod
    def cells(self, grid: Grid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
        """Return a grid's cells, checkpoint by checkpoint, then in the order of the axes.

        Args:
            profiles: the resolved profile of every checkpoint the grid names.

        Raises:
            UsageError: a combination that cannot be played.
        """

    def require_player(self, checkpoint: str) -> None:
        """Refuse a checkpoint that cannot play here.

        Raises:
            UsageError: says why.
        """
        del checkpoint

    def changed(self, numbers: Numbers, change: Change) -> dict[str, object]:
        """Return the numbers after one of `change_models`, as plain data to be validated again.

        Raises:
            UsageError: a value does not go with the others.
        """
        raise TypeError(f"{self.name} has no change {change.kind}")

    def setting(self, numbers: Numbers) -> SettingColumns:
        """Return what tables show of an episode's numbers, by column."""
        del numbers
        return {}

    def unit(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return what a round of an episode is one observation of; rounds of the same unit are not independent.

        All seats of an episode are one unit, and so are its repetitions under other seeds.
        """
        del round_number
        return spec.scenario.name
