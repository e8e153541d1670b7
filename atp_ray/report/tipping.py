"""The table of variants beside their base: does alignment lower the first round, and does that last?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from atp_ray.measures.results import CellResult, Interval
from atp_ray.measures.tipping import base_checkpoint, pooled_first_round, tippings
from atp_ray.report.texts import percent_text

MOST_ROWS = 24


def tipping_table(run_dir: Path, manifest: Mapping[str, Any], results: Sequence[CellResult]) -> Table | None:
    """Return the comparison with the run's first checkpoint; None with one checkpoint, or with too many settings."""
    base = base_checkpoint(manifest)
    found = tippings(results, base) if base else []
    if base is None or not found or len(found) > MOST_ROWS:
        return None
    title = f"Beside {base}: deviant rate in % (95 % interval) in the first and the last round"
    caption = "lower, climbs, falls: the intervals do not overlap. All settings: round 1 only, by unit."
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("checkpoint", "setting"):
        table.add_column(name, no_wrap=True)
    for name in (f"{base}: first", "first", "lower?", f"{base}: last", "last", "lower?", "first to last"):
        table.add_column(name, justify="right", no_wrap=name != "first to last")
    for row in found:
        table.add_row(
            row.checkpoint, row.setting,
            percent_text(row.base_first), percent_text(row.first), _yes(row.aligned),
            percent_text(row.base_last), percent_text(row.last), _yes(row.below_in_the_end), row.course,
        )  # fmt: skip
    _add_pooled(table, base, pooled_first_round(run_dir, results, base))
    return table


def _add_pooled(table: Table, base: str, pooled: Mapping[str, Interval]) -> None:
    if base not in pooled:
        return
    table.add_section()
    for name, interval in pooled.items():
        if name != base:
            lower = _yes(interval.high < pooled[base].low)
            table.add_row(name, "all settings", percent_text(pooled[base]), percent_text(interval), lower)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
