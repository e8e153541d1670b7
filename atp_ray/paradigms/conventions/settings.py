"""Results of naming games side by side: cells that differ in their committed agents alone, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from atp_ray.networks.kinds import EVERYONE

if TYPE_CHECKING:
    from atp_ray.measures.results import CellResult, Setting

MOST_LISTED = 4  # names told one by one


def population_label(setting: Setting) -> str:
    """Return what a setting is but for its committed agents: n, names, start, pairing."""
    names = (setting.names or "").split(",")
    listed = " ".join(names) if len(names) <= MOST_LISTED else f"{len(names)} names"
    start = "from scratch" if setting.established is None else f"from {setting.established}"
    pairing = ", pair by pair" if setting.pairing == "asynchronous" else ""
    network = "" if setting.network == EVERYONE else f", {setting.network}"
    placement = f", {setting.placement}" if setting.placement else ""
    return f"n={setting.n_agents}, {listed} {start}{pairing}{network}{placement}"


def setting_label(setting: Setting) -> str:
    """Return all of a setting that is not the checkpoint."""
    committed = f", {setting.committed} committed" if setting.committed else ""
    return f"{population_label(setting)}{committed}"


def by_population(results: Sequence[CellResult]) -> dict[str, list[CellResult]]:
    """Return the cells of each population, by its label, with few committed agents first."""
    groups: dict[str, list[CellResult]] = {}
    for result in results:
        groups.setdefault(population_label(result.setting), []).append(result)
    return {
        label: sorted(cells, key=lambda cell: (cell.setting.checkpoint, cell.setting.committed or 0))
        for label, cells in groups.items()
    }
