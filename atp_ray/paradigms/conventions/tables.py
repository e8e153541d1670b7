"""The tables of naming games: the challenger's share by round, a table per population and a row per minority."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table

from atp_ray.measures.results import CellResult
from atp_ray.paradigms.conventions.settings import by_population
from atp_ray.report.texts import percent_text, shown_rounds, undecided_text


def naming_tables(results: Sequence[CellResult], rate: str) -> list[RenderableType]:
    """Return one table for each population."""
    return [_table(label, cells, rate) for label, cells in by_population(results).items()]


def _table(label: str, results: Sequence[CellResult], rate: str) -> Table:
    title = f"{rate.capitalize()} in % (95 % interval) by round\n{label}"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    rounds = shown_rounds(max(len(result.rates_R) for result in results))
    table.add_column("checkpoint", overflow="fold")
    for name in ("committed", *(f"r{number}" for number in rounds), "undecided"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        rates = (result.rates_R[number - 1] if number <= len(result.rates_R) else None for number in rounds)
        committed = result.setting.committed
        table.add_row(
            result.setting.checkpoint,
            "-" if committed is None else str(committed),
            *map(percent_text, rates),
            undecided_text(result),
        )
    return table
