"""Rates by round for a paradigm without tables of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.table import Table

from atp_ray.measures.results import CellResult, Setting
from atp_ray.report.texts import WIDE_COLUMNS, percent_text, shown_rounds, undecided_text


def plain_table(results: Sequence[CellResult], rate: str, label: Callable[[Setting], str]) -> Table:
    """Return the rate by round, a row per cell."""
    rounds = shown_rounds(max(len(result.rates_R) for result in results), WIDE_COLUMNS)
    title = f"{rate.capitalize()} in % (95 % interval) by round"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("checkpoint", "setting"):
        table.add_column(name, no_wrap=True)
    for name in (*(f"r{number}" for number in rounds), "undecided"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        rates = (result.rates_R[number - 1] if number <= len(result.rates_R) else None for number in rounds)
        texts = (percent_text(entry) for entry in rates)
        table.add_row(result.setting.checkpoint, label(result.setting), *texts, undecided_text(result))
    return table
