"""The Parquet datasets of a run: built from settled rounds, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from atp_ray.errors import StorageError, UsageError
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.records import RoundRecord
from atp_ray.storage.rows import cell_rows, decision_columns, episode_row, probe_rows, round_row, share_rows
from atp_ray.storage.schema import SCHEMA_VERSION, cell_schemas, table_schemas

Rounds = Mapping[str, Sequence[RoundRecord]]
BATCH_ROWS = 16_384
DAMAGED = "Delete the file and --resume the run"


def write_cell(run_dir: Path, cell: CellSpec, rounds: Rounds) -> None:
    """Write a cell's part of the datasets; `cells` last, as its presence says that the cell is finished.

    Raises:
        StorageError: the folder cannot be written; no half-written file remains under its final name.
    """
    tables = build_tables(cell, rounds)
    for name, table in sorted(tables.items(), key=lambda item: item[0] == "cells"):
        _write(table, run_dir / name / f"{cell.cell_id}.parquet")


def build_tables(cell: CellSpec, rounds: Rounds) -> dict[str, pa.Table]:
    """Return the tables of one cell, rows in the order of play, with those only its paradigm or its probes have."""
    played = [(spec, record) for spec in cell.episodes for record in rounds.get(spec.episode_id, ())]
    columns = {
        "decisions": _concat([decision_columns(cell, spec, record) for spec, record in played]),
        "rounds": _rows([round_row(cell, spec, record) for spec, record in played]),
        "episodes": _rows([episode_row(cell, spec, rounds) for spec in cell.episodes]),
        "cells": _rows(cell_rows(cell, rounds)),
        "probes": _rows(
            [{"cell_id": cell.cell_id, **row} for spec, record in played for row in probe_rows(spec, record)]
        ),
    }
    own = paradigm(cell.paradigm).columns
    parts = [own.rows(cell, spec, record) for spec, record in played]
    columns |= {name: _rows([row for part in parts for row in part.get(name, ())]) for name in own.tables}
    if shares := share_rows(cell, rounds):
        columns["shares"] = _rows(shares)
    probes = any(spec.probes for spec in cell.episodes)
    metadata = {"atp_ray.schema_version": str(SCHEMA_VERSION)}
    return {
        name: _table(columns[name], schema.with_metadata(metadata))
        for name, schema in cell_schemas(cell.paradigm, shares=bool(shares), probes=probes).items()
    }


def read_table(run_dir: Path, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return one dataset of a run as a table; `name` is one of the schema's, `columns` all of it if None.

    Raises:
        UsageError: the folder is no run, or it has no results yet.
        StorageError: a file is damaged.
    """
    return pa.concat_tables(read_parts(run_dir, name, columns))


def read_parts(run_dir: Path, name: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield one dataset of a run file by file, which are cell by cell; as `read_table`, which holds all at once."""
    schema = table_schemas()[name]
    wanted = list(schema.names if columns is None else columns)
    for file in table_files(run_dir, name):
        with reading(run_dir / name):
            part = pq.read_table(file, schema=schema, columns=wanted)
        yield part


def read_cell(run_dir: Path, name: str, cell_id: str) -> pa.Table:
    """Return one cell's rows of a dataset, without reading the others where each cell has a file of its own.

    Raises:
        UsageError, StorageError: as `read_table`.
    """
    path = run_dir / name / f"{cell_id}.parquet"
    if not path.is_file():
        table = read_table(run_dir, name)
        return table.filter(pc.equal(table["cell_id"], cell_id))
    with reading(run_dir / name):
        return pq.read_table(path, schema=table_schemas()[name])


def table_batches(run_dir: Path, name: str) -> Iterator[pa.RecordBatch]:
    """Yield one dataset of a run in parts, in the order of `read_table`; it need not fit into memory.

    Raises:
        UsageError, StorageError: as `read_table`.
    """
    schema = table_schemas()[name]
    for file in table_files(run_dir, name):
        with reading(run_dir / name), pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(BATCH_ROWS):
                yield _completed(batch, schema)


def _completed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the batch with all columns of the schema; those that its file is too old to have are null."""
    there = set(batch.schema.names)
    columns = [
        batch.column(field.name).cast(field.type) if field.name in there else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, names=schema.names)


def table_files(run_dir: Path, name: str) -> list[Path]:
    """Return the Parquet files of one dataset, by name: one for each cell, or a single one.

    Raises:
        UsageError: the folder is no run, or it has no results yet.
    """
    if not (files := _files(run_dir, name)):
        hint = "Give the folder a sweep wrote with --out, or wait until its first cell is finished"
        raise UsageError(f"holds no results ({name})", str(run_dir), hint)
    return files


def written_tables(run_dir: Path) -> list[str]:
    """Return the names of the datasets that a run has so far."""
    return [name for name in table_schemas() if _files(run_dir, name)]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say what is wrong with Parquet that cannot be read.

    Raises:
        StorageError: a file is damaged.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise StorageError(f"{path.name} cannot be read: {reason}", str(path), DAMAGED) from error


def _files(run_dir: Path, name: str) -> list[Path]:
    path = run_dir / name
    if path.is_dir():
        return sorted(path.glob("*.parquet"))
    return [file for file in (path, path.with_suffix(".parquet")) if file.is_file()]


def _write(table: pa.Table, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "Free some space or choose another --out; what is settled is kept, continue with --resume"
        raise StorageError(f"cannot be written: {reason}", str(path), hint) from error
    finally:
        with suppress(OSError):  # the error worth telling is the one above
            temporary.unlink(missing_ok=True)


def _table(columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Return columns as a table; those of the schema that are not given are null."""
    n = len(next(iter(columns.values()), ()))
    filled = {field.name: columns.get(field.name, [None] * n) for field in schema}
    return pa.table(filled, schema=schema)


def _rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _concat(parts: Sequence[Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    return {name: [value for part in parts for value in part[name]] for name in parts[0]} if parts else {}
