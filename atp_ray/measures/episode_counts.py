"""What each checkpoint did in each round of each episode: the counts that rates over several cells are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from atp_ray.measures.intervals import rate_interval
from atp_ray.measures.rates import FIXED_CHECKPOINTS
from atp_ray.measures.results import Interval
from atp_ray.storage.tables import read_parts, read_table


class EpisodeCount(NamedTuple):
    """One checkpoint in one round of one episode: deviant decisions, decisions, and their unit (`rounds.unit`)."""

    cell_id: str
    checkpoint: str
    round: int
    unit: str
    deviant: int
    decided: int


def episode_counts(run_dir: Path, cells: Collection[str]) -> Iterator[EpisodeCount]:
    """Yield the counts of some cells, cell by cell; fixed seats are left out where others are under study.

    Args:
        cells: the ids of the cells.

    Raises:
        UsageError, StorageError: the run has no results or they cannot be read.
    """
    units = _units(run_dir)
    for part in read_parts(
        run_dir, "decisions", ["cell_id", "episode_id", "round", "checkpoint", "action", "counts_as"]
    ):
        rows = part.filter(pc.is_in(part["cell_id"], pa.array(list(cells), pa.string())))
        fixed = pc.is_in(rows["checkpoint"], pa.array(sorted(FIXED_CHECKPOINTS)))
        if not pc.all(fixed, min_count=0).as_py():
            rows = rows.filter(pc.invert(fixed))
        # Runs of before there was the column have the action alone.
        action = pc.coalesce(rows["counts_as"], rows["action"])
        deviant = pc.cast(pc.equal(action, "deviant"), pa.int64())
        decided = pc.cast(pc.is_in(action, pa.array(["deviant", "aligned"])), pa.int64())
        counted = rows.append_column("deviant", deviant).append_column("decided", decided)
        sums = counted.group_by(["cell_id", "episode_id", "round", "checkpoint"], use_threads=False).aggregate(
            [("deviant", "sum"), ("decided", "sum")]
        )
        values = (sums[name].to_pylist() for name in sums.column_names)
        for cell_id, episode_id, number, checkpoint, n_deviant, n_decided in zip(*values, strict=True):
            unit = units[episode_id, number]
            yield EpisodeCount(cell_id, checkpoint, number, unit, n_deviant, n_decided)


def pooled_interval(counts: Sequence[EpisodeCount], first_round: bool) -> Interval | None:
    """Return the rate over some counts of one round with its interval, None where nothing was decided."""
    deviant, decided, units = [c.deviant for c in counts], [c.decided for c in counts], [c.unit for c in counts]
    found = rate_interval(deviant, decided, units, first_round=first_round)
    if found.rate is None or found.low is None or found.high is None:
        return None
    return Interval(found.rate, found.low, found.high, found.n, found.method)


def _units(run_dir: Path) -> dict[tuple[str, int], str]:
    """Return the unit of each round of each episode; its scenario in runs made before units were stored."""
    rounds = read_table(run_dir, "rounds", ["episode_id", "round", "unit"])
    units = {(row["episode_id"], row["round"]): row["unit"] for row in rounds.to_pylist()}
    if not rounds["unit"].null_count:
        return units
    episodes = read_table(run_dir, "episodes", ["episode_id", "scenario"])
    scenarios = {row["episode_id"]: row["scenario"] for row in episodes.to_pylist()}
    return {(episode, number): unit or scenarios[episode] for (episode, number), unit in units.items()}
