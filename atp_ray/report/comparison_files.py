"""A comparison as Parquet: `comparisons.parquet` and `survival.parquet` (documented in docs/results.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from atp_ray.errors import StorageError
from atp_ray.measures.results import Setting
from atp_ray.measures.survival import SurvivalPoint
from atp_ray.report.comparing import Compared
from atp_ray.storage.schema import SCHEMA_VERSION, SETTING, WAY

_NUMBERS = [*SETTING, pa.field("supervision", pa.string()), *WAY, pa.field("placement", pa.string())]
COMPARISONS = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("paradigm", "base", "checkpoint", "setting")),
        *_NUMBERS,
        pa.field("measure", pa.string(), nullable=False),
        pa.field("round", pa.int32()),
        *(pa.field(name, pa.float64()) for name in ("base_value", "checkpoint_value", "estimate", "ci_low", "ci_high")),
        *(pa.field(name, pa.float64()) for name in ("p_value", "p_adjusted")),
        pa.field("family", pa.string(), nullable=False),
        pa.field("family_size", pa.int32(), nullable=False),
        pa.field("planned", pa.bool_(), nullable=False),
        pa.field("hypothesis", pa.string()),
        pa.field("direction", pa.string(), nullable=False),
        pa.field("against", pa.float64(), nullable=False),
        pa.field("n_units", pa.int32(), nullable=False),
        pa.field("n_pairs", pa.int64(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("note", pa.string()),
        pa.field("label", pa.string()),
    ]
)
SURVIVAL = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("paradigm", "checkpoint", "setting")),
        *_NUMBERS,
        pa.field("round", pa.int32(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("at_risk", "tipped", "censored")),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("not_tipped", "ci_low", "ci_high")),
        pa.field("n_units", pa.int32(), nullable=False),
        pa.field("n_episodes", pa.int64(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("label", pa.string()),
    ]
)


def write_comparison(compared: Compared, points: Sequence[SurvivalPoint], out: Path) -> list[Path]:
    """Write both files and return their paths.

    Raises:
        StorageError: the folder cannot be written.
    """
    tables = {
        "comparisons": _table([_row(row, compared.label) for row in compared.rows], COMPARISONS),
        "survival": _table([_row(point, compared.label) for point in points], SURVIVAL),
    }
    paths = [out / f"{name}.parquet" for name in tables]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, table in zip(paths, tables.values(), strict=True):
            pq.write_table(table, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"cannot be written: {reason}", str(out), "Choose another --out") from error
    return paths


def _row(row: Any, label: str | None) -> dict[str, Any]:
    numbers: Setting | None = row.numbers
    told = {field.name: None if numbers is None else getattr(numbers, field.name) for field in _NUMBERS}
    return {**row._asdict(), **told, "label": label}


def _table(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = {field.name: [row[field.name] for row in rows] for field in schema}
    return pa.table(columns, schema=schema.with_metadata({"atp_ray.schema_version": str(SCHEMA_VERSION)}))
