"""A run of naming games as interactions, so that a response is fitted to it as to a published table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from atp_ray.errors import UsageError
from atp_ray.responses.interactions import EMPTY, Run
from atp_ray.storage.tables import read_table

_COLUMNS = ["episode_id", "round", "seat", "checkpoint", "choice", "partner"]


class Interactions(NamedTuple):
    """The populations of a run, all with the same names and memories."""

    runs: list[Run]
    names: tuple[str, ...]


def run_interactions(run_dir: Path, checkpoint: str) -> Interactions:
    """Return every episode in which a checkpoint plays; whoever else plays is seen, but not learnt from.

    Raises:
        UsageError: the checkpoint does not play, or episodes differ in names or memories.
        StorageError: a table cannot be read.
    """
    episodes = read_table(run_dir, "episodes").to_pylist()
    table = read_table(run_dir, "decisions", _COLUMNS)
    theirs = set(table.filter(pc.field("checkpoint") == checkpoint)["episode_id"].unique().to_pylist())
    if not theirs:
        players = ", ".join(sorted(table["checkpoint"].unique().to_pylist()))
        raise UsageError(f"has no decisions of {checkpoint}", str(run_dir), f"It has {players}")
    episodes = [row for row in episodes if row["episode_id"] in theirs]
    for column in ("names", "history_window"):
        if len(found := {row[column] for row in episodes}) > 1:
            what = f"has episodes with several values of {column}: {'; '.join(sorted(map(str, found)))}"
            raise UsageError(what, str(run_dir), "Fit a run with one of them")
    names = tuple(episodes[0]["names"].split(","))
    met = table.filter(pc.is_valid(table["partner"]))
    return Interactions([_run(met, row, names, checkpoint) for row in episodes], names)


def _run(met: pa.Table, episode: dict[str, Any], names: tuple[str, ...], checkpoint: str) -> Run:
    rows = met.filter(pc.field("episode_id") == episode["episode_id"])
    rows = rows.sort_by([("round", "ascending"), ("seat", "ascending")])
    n, memory = episode["n_agents"], episode["history_window"]
    round_D, seat_D, partner_D = (rows[name].to_numpy().astype(np.int64) for name in ("round", "seat", "partner"))
    place = pc.fill_null(pc.index_in(rows["choice"], pa.array(names)), EMPTY)
    answer_D = place.to_numpy().astype(np.int8)
    key_D = round_D * n + seat_D  # ascending, as the rows are sorted
    first_I = np.flatnonzero(seat_D < partner_D)
    second_I = np.searchsorted(key_D, round_D[first_I] * n + partner_D[first_I])
    players_I2 = np.stack([seat_D[first_I], partner_D[first_I]], axis=1).astype(np.int32)
    answers_I2 = np.stack([answer_D[first_I], answer_D[second_I]], axis=1)
    own = np.array(rows["checkpoint"].to_pylist()) == checkpoint
    others = frozenset(range(n)) - frozenset(seat_D[own].tolist())
    start = episode["established"]
    begun = ((names.index(start),) * memory if start is not None else (),) * n
    return Run(n, memory, players_I2, answers_I2, others, begun, begun)
