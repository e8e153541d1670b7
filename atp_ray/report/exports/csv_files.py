"""Each dataset of a run as one CSV file, in the order of its rows in Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from atp_ray.errors import StorageError
from atp_ray.storage.schema import table_schemas
from atp_ray.storage.tables import table_batches, table_files, written_tables


def write(run_dir: Path, out: Path) -> list[Path]:
    """Write the datasets that the run has, part by part; returns the files.

    A list is written as JSON, a null as nothing, an empty text as `""`.

    Raises:
        UsageError: there are no results yet.
        StorageError: a dataset cannot be read, or a file cannot be written.
    """
    table_files(run_dir, "cells")
    return [_write(run_dir, name, out / f"{name}.csv") for name in written_tables(run_dir)]


def _write(run_dir: Path, name: str, path: Path) -> Path:
    schema = pa.schema([_flat(field) for field in table_schemas()[name]])
    batches = table_batches(run_dir, name)
    try:
        with csv.CSVWriter(path, schema) as writer:
            for batch in batches:
                columns = [_as_text(column) if pa.types.is_list(column.type) else column for column in batch.columns]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    except OSError as error:
        raise StorageError(f"cannot be written: {error}", str(path), "Choose another --out") from error
    return path


def _flat(field: pa.Field) -> pa.Field:
    return field.with_type(pa.string()) if pa.types.is_list(field.type) else field


def _as_text(column: pa.Array) -> pa.Array:
    return pa.array([None if value is None else json.dumps(value) for value in column.to_pylist()], pa.string())
