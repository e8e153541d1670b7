"""Predictions as Parquet, with the label that says what they are not about."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from atp_ray.errors import StorageError


def write_labelled(path: Path, table: pa.Table, label: str) -> None:
    """Write a table with its honest label in the metadata of the file.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata({"atp_ray.label": label}), path)
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", str(path), "Choose another --out") from error
