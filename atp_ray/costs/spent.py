"""What a run folder says was spent: its tables where cells are finished, else its event log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from atp_ray.costs.usage import Usage, add_usages, usage_of
from atp_ray.errors import StorageError
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import COUNTS
from atp_ray.play.episodes import EpisodeSpec, plays_by_policy
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.run_folder import finished_cells, log_path


def spent_by_cell(run_dir: Path, cells: Sequence[CellSpec]) -> dict[str, dict[str, Usage]]:
    """Return what each cell has asked of each checkpoint so far; rounds that were never settled are not known.

    Raises:
        StorageError: a table or a log cannot be read.
    """
    finished = finished_cells(run_dir)
    return {
        cell.cell_id: _of_table(run_dir, cell) if cell.cell_id in finished else _of_log(run_dir, cell) for cell in cells
    }


def rounds_left(run_dir: Path, cells: Sequence[CellSpec]) -> Iterator[tuple[EpisodeSpec, int]]:
    """Yield the episodes that have not ended, each with the number of its next round.

    Raises:
        StorageError: a log cannot be read.
    """
    finished = finished_cells(run_dir)
    for cell in (cell for cell in cells if cell.cell_id not in finished):
        rounds = read_event_log(log_path(run_dir, cell.cell_id))
        for spec in cell.episodes:
            if (done := len(rounds.get(spec.episode_id, ()))) < spec.rounds:
                yield spec, done + 1


def decisions_settled(run_dir: Path, cells: Sequence[CellSpec]) -> int:
    """Return how many seats' turns have been settled so far.

    Raises:
        StorageError: a log cannot be read.
    """
    left = rounds_left(run_dir, cells)
    n_left = sum(paradigm(spec.paradigm).environment.n_turns(spec, first) for spec, first in left)
    return sum(cell.n_decisions for cell in cells) - n_left


def _of_table(run_dir: Path, cell: CellSpec) -> dict[str, Usage]:
    paths = [run_dir / name / f"{cell.cell_id}.parquet" for name in ("decisions", "probes")]
    if not paths[0].exists():
        return _of_log(run_dir, cell)
    return add_usages(_summed(path) for path in paths if path.exists())


def _summed(path: Path) -> dict[str, Usage]:
    """Return what the rows of a table asked of each checkpoint."""
    try:
        table = pq.read_table(path, columns=["checkpoint", *COUNTS])
    except (OSError, pa.ArrowException) as error:
        hint = "Delete the file and --resume the run"
        raise StorageError(f"cannot be read: {str(error).splitlines()[0]}", str(path), hint) from error
    sums = table.group_by("checkpoint").aggregate([(name, "sum") for name in COUNTS]).to_pylist()
    return {
        row["checkpoint"]: Usage(*(row[f"{name}_sum"] for name in COUNTS))
        for row in sums
        if not plays_by_policy(row["checkpoint"])
    }


def _of_log(run_dir: Path, cell: CellSpec) -> dict[str, Usage]:
    rounds = read_event_log(log_path(run_dir, cell.cell_id))
    return add_usages(
        usage_of(spec, record.decisions, record.probed)
        for spec in cell.episodes
        for record in rounds.get(spec.episode_id, ())
    )
