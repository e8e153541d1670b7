"""Cells: one point of a grid, that is, the episodes whose decisions are averaged into one rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from atp_ray.config_files import Frozen
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.episodes import EpisodeSpec

CheckpointKind = Literal["embedded", "policy", "fitted", "model", "openai", "mixed"]
Embedded = Literal["tiny", "tiny-names"]  # the small checkpoints that the project trains and ships


class CellSpec(Frozen):
    """One cell: its place in the grid and its episodes, all of one paradigm.

    `n_agents` counts the agents of one episode, None where the episodes do not share one (imported question lists);
    `setting` are the result columns that say with which numbers all of them are played.
    `checkpoint` labels the population under study; `checkpoint_kind` says what it is, for honest labels.
    `differs_from_paper` says in which points it is not played like the paper, None where there is nothing to compare.
    """

    cell_id: str
    grid: str
    checkpoint: str
    checkpoint_kind: CheckpointKind
    n_agents: int | None
    setting: Mapping[str, float | int | str | None]
    episodes: tuple[EpisodeSpec, ...]
    differs_from_paper: str | None = None

    @property
    def paradigm(self) -> str:
        """The name of the paradigm the episodes belong to."""
        return self.episodes[0].paradigm

    @property
    def n_decisions(self) -> int:
        """How many decisions all episodes take."""
        return sum(paradigm(episode.paradigm).environment.n_turns(episode) for episode in self.episodes)

    @property
    def population(self) -> int:
        """How many agents play at once: those of the largest episode, or one for each episode with a single agent."""
        largest = max(episode.parameters.n_agents for episode in self.episodes)
        return largest if largest > 1 else len(self.episodes)
