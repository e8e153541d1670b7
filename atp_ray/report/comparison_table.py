"""The tables of a comparison: differences by setting, and what was planned with its verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from atp_ray.measures.estimates import Comparison
from atp_ray.measures.plans import CheckedPlan, Measure
from atp_ray.paradigms.registry import paradigm
from atp_ray.report.comparing import Compared

MOST_ROWS = 24
SIGNIFICANT = 0.05
PLANNED = "P"
_COLUMNS: tuple[Measure, ...] = ("first_round", "last_round", "change", "erosion")


def comparison_tables(compared: Compared, most_rows: int | None = None) -> list[RenderableType]:
    """Return a table per paradigm, what was planned, and what became of the plan.

    Args:
        most_rows: with more rows than that, only those over all settings are shown.
    """
    shown: list[RenderableType] = []
    beside_base = [row for row in compared.rows if row.base == compared.base]
    for room in dict.fromkeys(row.paradigm for row in beside_base):
        rows = [row for row in beside_base if row.paradigm == room]
        shown.append(_differences(room, compared.base, rows, most_rows))
    if planned := [row for row in compared.rows if row.planned]:
        shown.append(_planned(planned, compared.plan))
    return [*shown, Text(plan_line(compared.plan), style="italic")]


def plan_line(checked: CheckedPlan | None) -> str:
    """Return the line that says which plan the comparisons are made under, and whether it was kept."""
    if checked is None:
        return "No plan was made for these comparisons before they were played: all are exploratory."
    told = f"Plan {checked.plan.name} (SHA-256 {checked.sha256[:12]})"
    if checked.broken is None:
        return f"{told}: made before the run; its comparisons are marked {PLANNED}, all others are exploratory."
    return f"{told} does not hold: {checked.broken}. Every comparison is exploratory."


def verdict(row: Comparison, alpha: float) -> str:
    """Return what a planned test says of its hypothesis."""
    return "confirmed" if row.p_adjusted is not None and row.p_adjusted <= alpha else "not confirmed"


def estimate_text(row: Comparison) -> str:
    """Return an estimate with its interval: points, percent for erosion, rounds for the time to tip."""
    if row.estimate is None:
        return row.note or "-"
    scale = 1 if row.measure == "rounds_before_tip" else 100
    sign = "" if row.measure == "erosion" else "+"
    if row.ci_low is None or row.ci_high is None:
        return f"{scale * row.estimate:{sign}.1f}"
    if np.isinf(row.ci_low):
        return f"{scale * row.estimate:{sign}.0f} (unbounded)"
    digits = 1 if scale == 1 else 0
    low, high = (_number(scale * end, digits) for end in (row.ci_low, row.ci_high))
    return f"{scale * row.estimate:{sign}.1f} ({low}, {high})"


def _number(value: float, digits: int) -> str:
    """Return a number in which nothing is -0."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def p_text(p_value: float | None) -> str:
    """Return a p value with three digits."""
    if p_value is None:
        return "-"
    return "<.001" if p_value < 0.001 else f"{p_value:.3f}".removeprefix("0")


def _differences(room: str, base: str, rows: Sequence[Comparison], most_rows: int | None) -> Table:
    rate = paradigm(room).presentation.terms.rate
    keys = list(dict.fromkeys((row.checkpoint, row.setting) for row in rows if _in_table(row)))
    over_all = {(row.checkpoint, row.setting) for row in rows if row.numbers is None}
    hidden = 0
    if most_rows is not None and len(keys) > most_rows and over_all:
        hidden = len(keys) - len(over_all & set(keys))
        keys = [key for key in keys if key in over_all]
    cells = {(row.checkpoint, row.setting, row.measure): row for row in rows if _in_table(row)}
    title = f"Beside {base}: difference of {rate}s in points (95 % interval), p after Holm"
    table = Table(title=title, caption=_caption(rows, hidden), box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    last = max((row.round or 1 for row in rows), default=1)
    table.add_column("setting", no_wrap=True)
    for name in ("round 1", *((f"round {last}", "change", "erosion, %") if last > 1 else ())):
        table.add_column(name, justify="right")
    for name in dict.fromkeys(name for name, _ in keys):
        table.add_section()
        table.add_row(Text(name, style="bold"))
        for key in (key for key in keys if key[0] == name):
            measures = _COLUMNS if last > 1 else _COLUMNS[:1]
            table.add_row(f"  {key[1]}", *(_cell(cells.get((*key, measure))) for measure in measures))
    return table


def _in_table(row: Comparison) -> bool:
    """Whether a row is of the whole of its setting or of all; a plan's own selections are in its table."""
    return row.numbers is not None or row.setting == "all settings"


def _cell(row: Comparison | None) -> str:
    if row is None:
        return "-"
    if row.measure == "erosion":
        text = "no drop" if row.estimate is None else estimate_text(row)
        return f"{text} {PLANNED}" if row.planned else text
    mark = f" {PLANNED}" if row.planned else ""
    return f"{estimate_text(row)} {p_text(row.p_adjusted)}{mark}"


def _caption(rows: Sequence[Comparison], hidden: int) -> str:
    units = sorted({row.n_units for row in rows})
    counted = f"{units[0]} units" if len(units) == 1 else f"{units[0]} to {units[-1]} units"
    each = max((row.family_size for row in rows if row.numbers is not None and not row.planned), default=0)
    over_all = max((row.family_size for row in rows if row.numbers is None and not row.planned), default=0)
    counts = ((each, "of its column"), (over_all, "over all settings"))
    families = " and ".join(f"the {size} {what}" for size, what in counts if size)
    parts = [
        f"Paired by setting, unit and seed ({counted}). p: two-sided, Holm over {families}, the planned ones apart.",
        "Change: last round minus round 1. Erosion: share of the drop in round 1 that is gone in the last round; "
        "unbounded where that drop is not clearly there.",
    ]
    if hidden:
        parts.append(f"{hidden} rows of single settings: comparisons.parquet, or `report compare`.")
    return " ".join(parts)


def _planned(rows: Sequence[Comparison], checked: CheckedPlan | None) -> Table:
    alpha = checked.plan.alpha if checked is not None else SIGNIFICANT
    title = f"Planned: {checked.plan.question or checked.plan.name}" if checked is not None else "Planned"
    caption = f"Holm over these {len(rows)}; confirmed where p is at most {alpha:g}."
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("hypothesis", "setting", "expected"):
        table.add_column(name)
    for name in ("found (95 % interval)", "p", "after Holm", "verdict"):
        table.add_column(name, justify="right")
    for row in rows:
        expected = f"{row.measure.replace('_', ' ')} of {row.checkpoint} beside {row.base} {row.direction}"
        against = f" than {row.against:g}" if row.against or row.direction != "different" else ""
        table.add_row(
            row.hypothesis, row.setting, expected + against, estimate_text(row), p_text(row.p_value),
            p_text(row.p_adjusted), verdict(row, alpha),
        )  # fmt: skip
    return table
