"""Responses read and predictions written: what kind a file is, and Parquet with the label of what it is not about."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from atp_ray.errors import StorageError
from atp_ray.responses.response import OF_RUN


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


def answers_names(path: Path) -> bool:
    """Return whether a file holds a response to names; what is wrong with it is for its reader."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    of_a_room = isinstance(data, dict) and "paradigm" in data and "names" not in data and OF_RUN not in data
    return not of_a_room
