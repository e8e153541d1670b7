"""Cells: one point of a grid, that is, the episodes whose decisions are averaged into one rate."""

from __future__ import annotations

from typing import Literal

from atp_ray.config_files import Frozen
from atp_ray.episodes import EpisodeSpec
from atp_ray.payoffs import Payoffs

CheckpointKind = Literal["embedded", "policy", "model", "openai", "mixed"]


class CellSpec(Frozen):
    """One cell: its place in the grid and its episodes.

    `threshold`, `payoffs` and `n_agents` are None where the episodes do not share one (imported question lists).
    `checkpoint` labels the population under study; `checkpoint_kind` says what it is, for honest labels.
    """

    cell_id: str
    grid: str
    checkpoint: str
    checkpoint_kind: CheckpointKind
    n_agents: int | None
    threshold: int | None
    payoffs: Payoffs | None
    episodes: tuple[EpisodeSpec, ...]
