"""The table of tool usage: tool usage rate and accuracy by round (Table 2), the paper's rows below ours."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table

from atp_ray.measures.results import CellResult, complement
from atp_ray.report.published import beside_paper, published_table2
from atp_ray.report.texts import WIDE_COLUMNS, percent_text, shown_rounds, undecided_text


def tool_usage_tables(results: Sequence[CellResult]) -> list[RenderableType]:
    """Return one table: two rows per cell, and the paper's rows."""
    rounds = shown_rounds(max(len(result.rates_R) for result in results), WIDE_COLUMNS)
    title = "Tool usage and accuracy on the complex problems, % (95 % interval) by round"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("checkpoint", no_wrap=True)
    table.add_column("metric", no_wrap=True)
    for name in ("problems", *(f"r{number}" for number in rounds), "undecided"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        per_round = str(result.n_turns // max(1, len(result.rates_R)))
        usage = [complement(rate) for rate in result.rates_R]
        for metric, rates in (("tool usage", usage), ("accuracy", list(result.accuracy_R))):
            texts = (percent_text(rates[number - 1] if number <= len(rates) else None) for number in rounds)
            table.add_row(result.setting.checkpoint, metric, per_round, *texts, undecided_text(result))
    published = published_table2()
    table.add_section()
    for usage_series, accuracy_series in zip(published.tool_usage_rate, published.accuracy, strict=True):
        for metric, series in (("tool usage", usage_series), ("accuracy", accuracy_series)):
            paper = (f"{series.values[r - 1]:g}" if r <= len(series.values) else "-" for r in rounds)
            table.add_row(f"paper: {series.model}", metric, str(published.problems), *paper, "", style="dim")
    table.caption = f"{published.source}. {published.note} {beside_paper(results)}"
    return [table]
