"""Rich's tables, as the terminal shows them, as plain data for the page."""

from __future__ import annotations

from io import StringIO
from typing import Literal, NamedTuple

from rich.console import Console, RenderableType
from rich.errors import MarkupError
from rich.table import Table
from rich.text import Text

Alignment = Literal["start", "center", "end"]
MOST_ROWS = 400
_ALIGNMENTS: dict[str, Alignment] = {"right": "end", "center": "center"}


class Column(NamedTuple):
    """A column's heading and how its cells are aligned."""

    name: str
    align: Alignment = "start"


class Row(NamedTuple):
    """A row: its texts, whether it is muted (the paper's values), and whether a section ends with it."""

    cells: tuple[str, ...]
    muted: bool = False
    ends_section: bool = False


class HtmlTable(NamedTuple):
    """A table: caption, columns, rows (the first cell of each is its heading), and a note below."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""


def html_table(table: Table, most_rows: int = MOST_ROWS) -> HtmlTable:
    """Return a rich table as the terminal shows it, without colours; the note counts rows beyond `most_rows`."""
    columns = tuple(
        Column(plain(column.header), _ALIGNMENTS.get(str(column.justify), "start")) for column in table.columns
    )
    cells = [[plain(cell) for cell in column.cells] for column in table.columns]
    rows = tuple(
        Row(texts, "dim" in str(row.style or ""), row.end_section)
        for texts, row in zip(zip(*cells, strict=True), table.rows, strict=True)
    )
    note = plain(table.caption) if table.caption is not None else ""
    return shortened(HtmlTable(plain(table.title) if table.title is not None else "", columns, rows, note), most_rows)


def shortened(table: HtmlTable, most_rows: int = MOST_ROWS) -> HtmlTable:
    """Return a table with at most `most_rows` rows and a note on the others."""
    if (n_more := len(table.rows) - most_rows) <= 0:
        return table
    note = f"{table.note} {n_more:,} more rows are in the run's Parquet files.".strip()
    return table._replace(rows=table.rows[:most_rows], note=note)


def plain(cell: RenderableType) -> str:
    """Return what the terminal shows for a cell or a title, without styles; markup of HTML is text like any other."""
    if isinstance(cell, Text):
        return cell.plain
    if isinstance(cell, str):
        try:
            return Text.from_markup(cell, emoji=False).plain
        except MarkupError:  # rich refuses it too, but a page is not lost for a bracket
            return cell
    console = Console(file=StringIO(), width=10_000, color_system=None)
    with console.capture() as captured:
        console.print(cell, end="")
    return captured.get().strip()
