"""Single episodes of a finished run, read back from its datasets without loading the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.capital import Capital
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.problems import Solution
from atp_ray.play.records import RoundRecord
from atp_ray.storage.schema import table_schemas
from atp_ray.storage.tables import reading, table_files

_CAPITAL = ("reward", "capital_before", "capital_after", "log_capital_after")
SOLUTIONS = "solutions"


def episode_rows(
    run_dir: Path,
    name: str,
    cell_id: str,
    episode_ids: Collection[str],
    columns: Sequence[str],
    **wanted: Sequence[int],
) -> pa.Table:
    """Return some columns of some episodes' rows in a dataset, in the order of play.

    Args:
        wanted: the values a column may have, such as `round=[1, 2]`.

    Raises:
        UsageError: the run has no such results.
        StorageError: a file is damaged.
    """
    # One file for each cell, or a single one of the dataset's name.
    paths = [path for path in table_files(run_dir, name) if path.stem in (cell_id, name)]
    wish = pc.field("episode_id").isin(sorted(episode_ids))
    for column, allowed in wanted.items():
        wish &= pc.field(column).isin(list(allowed))
    schema = table_schemas()[name]
    with reading(run_dir / name):
        return (
            ds.dataset(paths, schema=schema, format="parquet")
            .scanner(columns=list(columns), filter=wish, batch_size=32_768, batch_readahead=2, fragment_readahead=1)
            .to_table()
        )


def action_codes(column: pa.ChunkedArray) -> ActionArray:
    """Return the column `action` as codes of `Action`."""
    place = pc.index_in(column, pa.array([action.label for action in Action]))
    return np.asarray(place.to_numpy(), dtype=np.int8)


def settled_rounds(
    run_dir: Path, cell_id: str, spec: EpisodeSpec, rounds: Sequence[int], seats: Collection[int]
) -> list[RoundRecord]:
    """Return some rounds of an episode as they were settled, oldest first.

    Replies and solutions are only those of `seats` (all replies where agents see each other's); tokens and seconds are
    left out.

    Raises:
        UsageError, StorageError: as `episode_rows`.
    """
    episode = [spec.episode_id]
    every = range(spec.parameters.n_agents) if spec.visibility == "replies" else sorted(seats)
    columns = ["round", "seat", "action", *_CAPITAL]
    decisions = episode_rows(run_dir, "decisions", cell_id, episode, columns, round=rounds)
    told = episode_rows(run_dir, "decisions", cell_id, episode, ["round", "seat", "reply"], round=rounds, seat=every)
    replies = {(row["round"], row["seat"]): row["reply"] for row in told.to_pylist()}
    outcomes = episode_rows(run_dir, "rounds", cell_id, episode, ["round", "success"], round=rounds).to_pylist()
    success = {row["round"]: row["success"] for row in outcomes}
    solved = _solutions(run_dir, cell_id, spec, rounds, seats)
    records = []
    for number in sorted(success):
        rows = decisions.filter(pc.field("round") == number).sort_by("seat")
        reward_A, before_A, after_A, log_A = (rows[name].to_numpy() for name in _CAPITAL)
        n = spec.parameters.n_agents
        made = plain_decisions(action_codes(rows["action"]), [replies.get((number, seat)) for seat in range(n)])
        if solved:
            made = made._replace(solutions_A=tuple(tuple(solved.get((number, seat), ())) for seat in range(n)))
        records.append(
            RoundRecord(
                spec.episode_id, number, made, reward_A, before_A, Capital(after_A, log_A), success[number]
            )
        )  # fmt: skip
    return records


def _solutions(
    run_dir: Path, cell_id: str, spec: EpisodeSpec, rounds: Sequence[int], seats: Collection[int]
) -> dict[tuple[int, int], list[Solution]]:
    """Return the problems the seats solved, by round and seat; empty where the paradigm has none."""
    if not (run_dir / SOLUTIONS).exists() and not (run_dir / f"{SOLUTIONS}.parquet").exists():
        return {}
    fields = list(Solution.__dataclass_fields__)
    table = episode_rows(
        run_dir, SOLUTIONS, cell_id, [spec.episode_id], ["round", "seat", *fields], round=rounds, seat=sorted(seats)
    )
    found: dict[tuple[int, int], list[Solution]] = {}
    for row in table.to_pylist():
        values = {name: row[name] for name in fields} | {"tool_statuses": tuple(row["tool_statuses"])}
        found.setdefault((row["round"], row["seat"]), []).append(Solution(**values))
    return found
