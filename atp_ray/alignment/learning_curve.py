"""The learning curve of a training run: what was logged at which step, as rows and as Parquet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from atp_ray.errors import StorageError, UsageError

METRICS = pa.schema(
    [
        pa.field("step", pa.int32(), nullable=False),
        pa.field("epoch", pa.float64(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
    ]
)
METRICS_FILE = "metrics.parquet"


class MetricRow(NamedTuple):
    """One value: optimizer step (from 1), epoch, TRL's name of the metric."""

    step: int
    epoch: float
    metric: str
    value: float


def log_rows(history: Iterable[Mapping[str, Any]]) -> list[MetricRow]:
    """Return the log of Hugging Face's trainer as rows; its summary after the last step is left out.

    So is what a step has no value of, such as the reward where all completions were cut off and masked.
    """
    rows = []
    for entry in history:
        if "train_runtime" in entry:
            continue
        step, epoch = int(entry["step"]), float(entry.get("epoch") or 0)
        rows += [
            MetricRow(step, epoch, name, float(value))
            for name, value in entry.items()
            if name not in ("step", "epoch") and isinstance(value, int | float | str) and not math.isnan(float(value))
        ]
    return rows


def series(rows: Sequence[MetricRow], metric: str) -> tuple[list[int], list[float]]:
    """Return the steps and values of one metric."""
    chosen = [row for row in rows if row.metric == metric]
    return [row.step for row in chosen], [row.value for row in chosen]


def write_metrics(rows: Sequence[MetricRow], path: Path) -> None:
    """Write the rows as Parquet.

    Raises:
        StorageError: it cannot be written.
    """
    table = pa.Table.from_pylist([row._asdict() for row in rows], schema=METRICS)
    try:
        pq.write_table(table, path, compression="zstd")
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", str(path), "Free some space") from error


def read_metrics(run_dir: Path) -> list[MetricRow]:
    """Read a run's learning curve.

    Raises:
        UsageError: the run has none yet.
    """
    path = run_dir / METRICS_FILE
    try:
        return [MetricRow(**row) for row in pq.read_table(path).to_pylist()]
    except (OSError, pa.ArrowException) as error:
        hint = "Finish the training run: the same command resumes it"
        raise UsageError("has no learning curve yet", str(run_dir), hint) from error
