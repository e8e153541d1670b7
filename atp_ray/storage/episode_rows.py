"""Single episodes of a finished run, read back from its datasets without loading the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.capital import Capital
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.problems import Solution
from atp_ray.play.records import RoundRecord
from atp_ray.storage.schema import table_schemas
from atp_ray.storage.stored_rounds import asked_seats, options_taken
from atp_ray.storage.tables import reading, table_files

_CAPITAL = ("reward", "capital_before", "capital_after", "log_capital_after")
_ROWS_AT_ONCE = 32_768
SOLUTIONS = "solutions"


class StoredEpisodes(NamedTuple):
    """Some rounds of some episodes of one cell: all seats' decisions, some seats' replies, outcomes, solutions."""

    decisions: pa.Table
    replies: pa.Table
    rounds: pa.Table
    solutions: pa.Table | None


def episode_rows(
    run_dir: Path,
    name: str,
    cell_id: str,
    episode_ids: Collection[str],
    columns: Sequence[str],
    **wanted: Collection[int],
) -> pa.Table:
    """Return some columns of some episodes' rows in a dataset, in the order of play.

    The cell's file is read through once, a few megabytes at a time.

    Args:
        wanted: the values a column may have, such as `round=[1, 2]`.

    Raises:
        UsageError: the run has no such results.
        StorageError: a file is damaged.
    """
    allowed = {"episode_id": sorted(episode_ids), **{column: sorted(values) for column, values in wanted.items()}}
    schema = table_schemas()[name]
    empty = pa.schema([schema.field(column) for column in columns]).empty_table()
    found = [empty]
    # One file for each cell, or a single one of the dataset's name.
    for path in table_files(run_dir, name):
        if path.stem not in (cell_id, name):
            continue
        with reading(path), pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=list(dict.fromkeys([*columns, *allowed]))):
                kept = _with_columns(batch, columns, schema)
                for column, values in allowed.items():
                    kept = kept.filter(pc.is_in(kept[column], pa.array(values, schema.field(column).type)))
                if kept.num_rows:
                    found.append(pa.Table.from_batches([kept.select(list(columns))]).cast(empty.schema))
    return pa.concat_tables(found)


def stored_episodes(
    run_dir: Path,
    cell_id: str,
    episode_ids: Collection[str],
    rounds: Collection[int],
    seats: Collection[int] | None,
) -> StoredEpisodes:
    """Read some rounds of some episodes of a cell.

    Args:
        seats: the seats whose replies and solutions are read; None for all, where agents see each other's.

    Raises:
        UsageError, StorageError: as `episode_rows`.
    """

    def rows(name: str, *columns: str, **wanted: Collection[int]) -> pa.Table:
        return episode_rows(
            run_dir, name, cell_id, episode_ids, ["episode_id", "round", *columns], round=rounds, **wanted
        )

    chosen = {} if seats is None else {"seat": seats}
    return StoredEpisodes(
        rows("decisions", "seat", "checkpoint", "action", "choice", "asked", "said", *_CAPITAL),
        rows("decisions", "seat", "action", "choice", "said", "reply", **chosen),
        rows("rounds", "success"),
        rows(SOLUTIONS, "seat", *Solution.__dataclass_fields__, **chosen) if _has_solutions(run_dir) else None,
    )


def settled_rounds(stored: StoredEpisodes, spec: EpisodeSpec) -> list[RoundRecord]:
    """Return the stored rounds of an episode as they were settled, oldest first.

    Replies and solutions are those that were read; tokens and seconds are left out.
    """
    mine = pc.field("episode_id") == spec.episode_id
    decisions, n = stored.decisions.filter(mine), spec.parameters.n_agents
    replies = {(row["round"], row["seat"]): row["reply"] for row in stored.replies.filter(mine).to_pylist()}
    success = {row["round"]: row["success"] for row in stored.rounds.filter(mine).to_pylist()}
    solved = _solved(stored.solutions.filter(mine)) if stored.solutions is not None else {}
    records = []
    for number in sorted(success):
        rows = decisions.filter(pc.field("round") == number).sort_by("seat")
        reward_A, before_A, after_A, log_A = (rows[name].to_numpy() for name in _CAPITAL)
        made = plain_decisions(action_codes(rows["action"]), [replies.get((number, seat)) for seat in range(n)])
        made = made._replace(
            option_A=options_taken(rows["choice"].to_pylist(), spec.scenario.options),
            asked_A=asked_seats(rows["asked"].to_pylist()),
            said_A=tuple(rows["said"].to_pylist()) if spec.talk else None,
        )
        if solved:
            made = made._replace(solutions_A=tuple(tuple(solved.get((number, seat), ())) for seat in range(n)))
        after = Capital(after_A, log_A)
        records.append(RoundRecord(spec.episode_id, number, made, reward_A, before_A, after, success[number]))
    return records


def action_codes(column: pa.ChunkedArray) -> ActionArray:
    """Return the column `action` as codes of `Action`."""
    place = pc.index_in(column, pa.array([action.label for action in Action]))
    return np.asarray(place.to_numpy(), dtype=np.int8)


def _with_columns(batch: pa.RecordBatch, columns: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with null where a table of an older version has no such column."""
    for name in columns:
        if name not in batch.schema.names:
            batch = batch.append_column(name, pa.nulls(batch.num_rows, schema.field(name).type))
    return batch


def _has_solutions(run_dir: Path) -> bool:
    return (run_dir / SOLUTIONS).exists() or (run_dir / f"{SOLUTIONS}.parquet").exists()


def _solved(table: pa.Table) -> dict[tuple[int, int], list[Solution]]:
    """Return the problems the seats solved, by round and seat."""
    found: dict[tuple[int, int], list[Solution]] = {}
    for row in table.to_pylist():
        values = {name: row[name] for name in Solution.__dataclass_fields__}
        solution = Solution(**values | {"tool_statuses": tuple(row["tool_statuses"])})
        found.setdefault((row["round"], row["seat"]), []).append(solution)
    return found
