"""From a grid to its cells: what is common to all paradigms, and which module knows the rest."""

from __future__ import annotations

from atp_ray.cells import CellSpec
from atp_ray.checkpoint_profiles import Profile
from tune_sweeps.game_cells import game_cells
from tune_sweeps.grids import GameGrid, Grid, RolePlayGrid
from tune_sweeps.role_play_cells import role_play_cells
from tune_sweeps.tool_usage_cells import tool_usage_cells


def expand(grid: Grid, profiles: dict[str, Profile]) -> list[CellSpec]:
    """Return the grid's cells, checkpoint by checkpoint, then in the order of the paradigm's axes.

    Args:
        profiles: the resolved profile of every checkpoint the grid names.

    Raises:
        UsageError: a combination that cannot be played (threshold above n, rewards out of order, ...).
    """
    if isinstance(grid, GameGrid):
        return game_cells(grid, profiles)
    if isinstance(grid, RolePlayGrid):
        return role_play_cells(grid, profiles)
    return tool_usage_cells(grid, profiles)
