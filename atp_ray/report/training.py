"""The table of a training run: its metrics at the start, in the middle and at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from atp_ray.alignment.learning_curve import MetricRow, series


def training_table(manifest: Mapping[str, Any], rows: Sequence[MetricRow]) -> Table:
    """Return one row per metric that TRL logged, with its first, middle and last value."""
    title = f"{manifest['name']}: {manifest['method'].upper()} of {manifest['base']} on {manifest['examples']} examples"
    last = max(row.step for row in rows)
    table = Table(title=title, box=box.SIMPLE_HEAD)
    table.add_column("metric", no_wrap=True)
    for step in ("first step", "middle", f"step {last}"):
        table.add_column(step, justify="right")
    for metric in sorted({row.metric for row in rows}):
        _, values = series(rows, metric)
        table.add_row(metric, *(f"{value:.4g}" for value in (values[0], values[len(values) // 2], values[-1])))
    return table
