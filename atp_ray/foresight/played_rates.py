"""What a run really did, cell by cell, to be put beside what a response is expected to do in the same settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from atp_ray.errors import UsageError
from atp_ray.measures.rates import FIXED_CHECKPOINTS
from atp_ray.measures.results import EMBEDDED_NOTE
from atp_ray.paradigms.responding import FittedRun
from atp_ray.play.cells import CellSpec
from atp_ray.report.run_cells import run_cells
from atp_ray.storage.run_folder import read_manifest
from atp_ray.storage.run_places import read_run
from atp_ray.storage.tables import read_table


class PlayedRate(NamedTuple):
    """The deviant rate of a round as it was played, with its 95 % interval (None where nothing was decided)."""

    rate: float
    ci_low: float
    ci_high: float


class Played(NamedTuple):
    """The cells of runs, and their rates by cell and round."""

    cells: list[CellSpec]
    rates: dict[tuple[str, int], PlayedRate]

    @property
    def label(self) -> str:
        """Who played; says so where it was an embedded test checkpoint."""
        names = ", ".join(sorted({cell.checkpoint for cell in self.cells}))
        embedded = any(cell.checkpoint_kind == "embedded" for cell in self.cells)
        return f"Played by {names}." + (f" {EMBEDDED_NOTE}" if embedded else "")


def played_rates(places: Sequence[str], fitted: FittedRun) -> Played:
    """Return the finished cells of runs whose players are the checkpoint of the fit, or the only one that is not fixed.

    Raises:
        UsageError: no run, a run of several other checkpoints, or a cell with several checkpoints under study.
        StorageError: a table cannot be read.
    """
    cells, rates = list[CellSpec](), dict[tuple[str, int], PlayedRate]()
    for place in places:
        with read_run(place) as opened:
            found = _of_one_checkpoint(run_cells(opened.folder, read_manifest(opened.folder)), fitted.checkpoint, place)
            rows = read_table(opened.folder, "cells").to_pylist()
        wanted = {cell.cell_id for cell in found}
        cells += found
        rates |= {
            (row["cell_id"], row["round"]): PlayedRate(row["deviant_rate"], row["ci_low"], row["ci_high"])
            for row in rows
            if row["cell_id"] in wanted and row["deviant_rate"] is not None and row["ci_low"] is not None
        }
    return Played(cells, rates)


def _of_one_checkpoint(cells: Sequence[CellSpec], checkpoint: str, place: str) -> list[CellSpec]:
    players = {name for cell in cells for name in _players(cell)}
    chosen = checkpoint if checkpoint in players else next(iter(players), checkpoint)
    found = [cell for cell in cells if _players(cell) == {chosen}]
    if not found or (chosen != checkpoint and len(players) > 1):
        what = f"has no finished cell of {checkpoint} alone"
        raise UsageError(what, place, f"It has {', '.join(sorted(players)) or 'none'}")
    return found


def _players(cell: CellSpec) -> set[str]:
    """Return the checkpoints of a cell that respond to what they see."""
    return {group.checkpoint for group in cell.episodes[0].seats} - FIXED_CHECKPOINTS
