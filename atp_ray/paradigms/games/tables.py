"""The tables of coordination games: collusion rate per setting, and the paper's statements at its own settings."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table

from atp_ray.measures.results import CellResult
from atp_ray.paradigms.games.ways import way_parts, ways
from atp_ray.report.published import beside_paper, published_figure3, published_figure4
from atp_ray.report.texts import MOST_COLUMNS, or_dash, percent_text, shown_rounds, undecided_text

PAPER_RATIO = 1.0
PAPER_AGENTS = 8


def game_tables(results: Sequence[CellResult]) -> list[RenderableType]:
    """Return the rates of every setting, and the comparison with the paper where a setting is the paper's."""
    comparison = _paper_table(results)
    return [_rates_table(results)] if comparison is None else [_rates_table(results), comparison]


def _rates_table(results: Sequence[CellResult]) -> Table:
    table = Table(title="Collusion rate in % (95 % interval) by round", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("checkpoint", "n", "t", "ratio"):
        table.add_column(name, justify="left" if name == "checkpoint" else "right", no_wrap=True)
    told = ways(results)
    if told:
        # Broken between its parts, never inside one.
        table.add_column("network", min_width=max(len(part) + 1 for way in told for part in way.split(", ")))
    shown = shown_rounds(max(len(result.rates_R) for result in results), MOST_COLUMNS - bool(told))
    for number in shown:
        table.add_column(f"r{number}", justify="right", no_wrap=True)
    table.add_column("r2|success", justify="right", no_wrap=True)
    table.add_column("undecided", justify="right", no_wrap=True)
    for index, result in enumerate(results):
        setting = result.setting
        table.add_row(
            setting.checkpoint,
            or_dash(setting.n_agents),
            or_dash(setting.threshold),
            or_dash(setting.incentive_ratio),
            *told[index : index + 1],
            *(percent_text(result.rates_R[number - 1]) if number <= len(result.rates_R) else "-" for number in shown),
            percent_text(result.recollusion),
            undecided_text(result),
        )
    return table


def _paper_table(results: Sequence[CellResult]) -> Table | None:
    """Return the comparison with the paper at its own setting, None where the run has no such cell."""
    cells = [
        r
        for r in results
        if r.setting.n_agents == PAPER_AGENTS and r.setting.incentive_ratio == PAPER_RATIO and not way_parts(r.setting)
    ]
    published, after_success = published_figure3(), published_figure4()
    rows = [
        (direction, cell)
        for direction in published.directions
        for cell in cells
        if cell.setting.threshold == direction.threshold
    ]
    if not rows:
        return None
    table = Table(
        title="Beside the paper (Qwen3-8B; 8 agents, rewards 1.2, 1, 0.8)",
        caption=f"{_paper_caption()}. {beside_paper([cell for _, cell in rows])}",
        box=box.SIMPLE_HEAD,
    )
    for name in ("checkpoint", "t", "paper: rates", "ours", "paper: P(r2|success r1)", "ours"):
        table.add_column(name, justify="left" if name == "checkpoint" else "right")
    for direction, cell in rows:
        rates = [rate.rate for rate in cell.rates_R if rate]
        change = rates[-1] - rates[0] if rates else 0.0
        verb = "climb" if change > 0 else "fall" if change < 0 else "stay"
        table.add_row(
            cell.setting.checkpoint,
            str(direction.threshold),
            direction.trend,
            f"{verb} {100 * change:+.1f} points" if rates else "-",
            f"typically > {after_success.typically_above:.0%}",
            percent_text(cell.recollusion),
        )
    return table


def _paper_caption() -> str:
    rates = (
        f"{rate.model} {rate.colluding / rate.decisions:.1%} ({rate.colluding}/{rate.decisions})"
        for rate in published_figure3().round_1_rates
    )
    return f"Paper, round 1 at one easy threshold: {', '.join(rates)}"
