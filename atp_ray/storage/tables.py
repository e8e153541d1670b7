"""The Parquet datasets of a run: built from settled rounds, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from atp_ray.errors import StorageError, UsageError
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.records import RoundRecord
from atp_ray.storage.rows import cell_rows, decision_columns, episode_row, round_row
from atp_ray.storage.schema import SCHEMA_VERSION, cell_schemas, table_schemas

Rounds = Mapping[str, Sequence[RoundRecord]]
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
    """Return the tables of one cell, rows in the order of play, with those only its paradigm has."""
    played = [(spec, record) for spec in cell.episodes for record in rounds.get(spec.episode_id, ())]
    columns = {
        "decisions": _concat([decision_columns(cell, spec, record) for spec, record in played]),
        "rounds": _rows([round_row(cell, spec, record) for spec, record in played]),
        "episodes": _rows([episode_row(cell, spec, rounds) for spec in cell.episodes]),
        "cells": _rows(cell_rows(cell, rounds)),
    }
    own = paradigm(cell.paradigm).columns
    parts = [own.rows(cell, spec, record) for spec, record in played]
    columns |= {name: _rows([row for part in parts for row in part.get(name, ())]) for name in own.tables}
    metadata = {"atp_ray.schema_version": str(SCHEMA_VERSION)}
    return {
        name: _table(columns[name], schema.with_metadata(metadata))
        for name, schema in cell_schemas(cell.paradigm).items()
    }


def read_table(run_dir: Path, name: str) -> pa.Table:
    """Return one dataset of a run as a table; `name` is one of the schema's.

    Raises:
        UsageError: the folder is no run, or it has no results yet.
        StorageError: a file is damaged.
    """
    schema = table_schemas()[name]
    with reading(run_dir / name):
        return pa.concat_tables([pq.read_table(file, schema=schema) for file in table_files(run_dir, name)])


def table_files(run_dir: Path, name: str) -> list[Path]:
    """Return the Parquet files of one dataset, by name: one for each cell, or a single one.

    Raises:
        UsageError: the folder is no run, or it has no results yet.
    """
    path = run_dir / name
    single = path.with_suffix(".parquet")
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [file for file in (path, single) if file.is_file()]
    if not files:
        hint = "Give the folder a sweep wrote with --out, or wait until its first cell is finished"
        raise UsageError(f"holds no results ({name})", str(run_dir), hint)
    return files


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
