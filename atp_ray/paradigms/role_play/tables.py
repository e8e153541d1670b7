"""The table of role-play: violation rate by round (Table 1), the paper's rows below ours."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table

from atp_ray.measures.results import CellResult, values
from atp_ray.report.published import PAPER_SUPERVISION, beside_paper, published_table1
from atp_ray.report.texts import WIDE_COLUMNS, percent_text, shown_rounds, undecided_text


def role_play_tables(results: Sequence[CellResult]) -> list[RenderableType]:
    """Return a table per supervision pattern: a row per checkpoint, and the paper's rows where it used the pattern."""
    patterns = values(results, "supervision")
    return [_table([r for r in results if r.setting.supervision == pattern], str(pattern)) for pattern in patterns]


def _table(results: Sequence[CellResult], pattern: str) -> Table:
    rounds = shown_rounds(max(len(result.rates_R) for result in results), WIDE_COLUMNS)
    title = f"Violation rate in % (95 % interval) by round, {pattern.replace('_', ' ')}"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("checkpoint", overflow="fold")  # the one that may wrap, as rates may not be cut
    # Replies without a decision are rare, and the table is wide: they get a column only where there are any.
    undecided = any(result.n_undecided for result in results)
    for name in ("n", *(f"r{number}" for number in rounds), *(["undec."] if undecided else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        setting = result.setting
        rates = (result.rates_R[number - 1] if number <= len(result.rates_R) else None for number in rounds)
        per_round = result.n_turns // max(1, len(result.rates_R))
        texts = (percent_text(rate) for rate in rates)
        table.add_row(setting.checkpoint, str(per_round), *texts, *([undecided_text(result)] if undecided else []))
    if pattern == PAPER_SUPERVISION:
        published = published_table1()
        table.add_section()
        for series in published.violation_rate:
            paper = (f"{series.values[r - 1]:.1f}" if r <= len(series.values) else "-" for r in rounds)
            table.add_row(f"paper: {series.model}", str(published.prompts), *paper, style="dim")
        table.caption = f"{published.source}. {beside_paper(results)}"
    return table
