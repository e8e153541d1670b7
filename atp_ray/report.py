"""`python -m atp_ray.report RUN`: tables and figures of a run, the paper's published values beside them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from atp_ray.cli import report_console, run_command
from atp_ray.errors import UsageError
from atp_ray.figures.rates_by_round import draw_rates_by_round
from atp_ray.figures.recollusion import draw_recollusion
from atp_ray.figures.settings_grid import draw_settings_grid
from atp_ray.figures.style import figure_style, save_figure
from atp_ray.published import published_figure3, published_figure4
from atp_ray.results import CellResult, Interval, honest_label, load_results, values
from atp_ray.storage.run_folder import read_manifest

FORMATS = ("png", "svg", "pdf")
PAPER_RATIO = 1.0
PAPER_AGENTS = 8
MOST_COLUMNS = 4


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m atp_ray.report", description=__doc__.partition(": ")[2])
    parser.add_argument("run", type=Path, help="run folder a sweep wrote")
    parser.add_argument("--out", type=Path, help="folder for the figures (default: RUN/figures)")
    parser.add_argument("--format", default="png,svg", help=f"any of {', '.join(FORMATS)} (default: png,svg)")
    arguments = parser.parse_args(argv)
    formats = [name.strip() for name in arguments.format.split(",")]
    if unknown := set(formats) - set(FORMATS):
        raise UsageError(f"unknown format '{sorted(unknown)[0]}'", "--format", f"Use any of {', '.join(FORMATS)}")
    console = report_console()
    manifest = read_manifest(arguments.run)
    for table in summary_tables(arguments.run):
        console.print(table)
    n_cells, n_done = manifest.get("n_cells"), len(load_results(arguments.run))
    if n_cells is not None and n_done < n_cells:
        console.print(f"The run is incomplete: {n_done} of {n_cells} cells are finished.")
        console.print(f"Next:    python -m atp_ray.sweep --resume --out {arguments.run}")
    for path in draw_figures(arguments.run, arguments.out or arguments.run / "figures", formats):
        console.print(f"Figure:  {path}", soft_wrap=True)
    return 0


def summary_tables(run_dir: Path) -> list[RenderableType]:
    """Return a run's results for a terminal: rates per setting, the paper beside ours, and the honest label.

    Raises:
        UsageError, StorageError: the run has no results or they cannot be read.
    """
    results = load_results(run_dir)
    shown: list[RenderableType] = [_rates_table(results)]
    if comparison := _paper_table(results):
        shown.append(comparison)
    if label := honest_label(results):
        shown.append(Text(label, style="italic"))
    return shown


def draw_figures(run_dir: Path, out: Path, formats: Sequence[str]) -> list[Path]:
    """Draw every figure the run's results allow and return the files; Figure 3 is drawn at incentive ratio 1.

    Raises:
        UsageError, StorageError: the run has no results, or the figures cannot be written.
    """
    results = [result for result in load_results(run_dir) if result.setting.threshold is not None]
    paths: list[Path] = []
    with figure_style():
        for n_agents in values(results, "n_agents"):
            cells = [result for result in results if result.setting.n_agents == n_agents]
            suffix = "" if len(values(results, "n_agents")) == 1 else f"_n{n_agents}"
            ratios = values(cells, "incentive_ratio")
            ratio = PAPER_RATIO if PAPER_RATIO in ratios else ratios[0]
            published = published_figure3() if n_agents == PAPER_AGENTS and ratio == PAPER_RATIO else None
            at_ratio = [cell for cell in cells if cell.setting.incentive_ratio == ratio]
            figure = draw_rates_by_round(at_ratio, published)
            paths += save_figure(figure, out, f"figure3_rates_by_round{suffix}", formats)
            if any(len(cell.rates_R) > 1 for cell in cells):
                paths += save_figure(draw_recollusion(cells), out, f"figure4_recollusion{suffix}", formats)
            if len(ratios) > 1:
                paths += save_figure(draw_settings_grid(cells), out, f"figure6_settings{suffix}", formats)
    return paths


def _rates_table(results: Sequence[CellResult]) -> Table:
    table = Table(title="Collusion rate in % (95 % interval) by round", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("checkpoint", "n", "t", "ratio"):
        table.add_column(name, justify="left" if name == "checkpoint" else "right", no_wrap=True)
    shown = _shown_rounds(max(len(result.rates_R) for result in results))
    for number in shown:
        table.add_column(f"r{number}", justify="right", no_wrap=True)
    table.add_column("r2|success", justify="right", no_wrap=True)
    table.add_column("undecided", justify="right", no_wrap=True)
    for result in results:
        setting = result.setting
        table.add_row(
            setting.checkpoint,
            _or_dash(setting.n_agents),
            _or_dash(setting.threshold),
            _or_dash(setting.incentive_ratio),
            *(_percent(result.rates_R[number - 1]) if number <= len(result.rates_R) else "-" for number in shown),
            _percent(result.recollusion),
            f"{result.n_undecided / result.n_turns:.1%}" if result.n_turns else "-",
        )
    return table


def _shown_rounds(n_rounds: int) -> list[int]:
    """Return the rounds a table has room for: all of a few, else evenly spaced ones with the first and the last."""
    if n_rounds <= MOST_COLUMNS:
        return list(range(1, n_rounds + 1))
    return [1 + round(i * (n_rounds - 1) / (MOST_COLUMNS - 1)) for i in range(MOST_COLUMNS)]


def _paper_table(results: Sequence[CellResult]) -> Table | None:
    """Return the comparison with the paper at its own setting, None where the run has no such cell."""
    cells = [r for r in results if r.setting.n_agents == PAPER_AGENTS and r.setting.incentive_ratio == PAPER_RATIO]
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
        caption=_paper_caption(),
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
            _percent(cell.recollusion),
        )
    return table


def _paper_caption() -> str:
    rates = (
        f"{rate.model} {rate.colluding / rate.decisions:.1%} ({rate.colluding}/{rate.decisions})"
        for rate in published_figure3().round_1_rates
    )
    return f"Paper, round 1 at one easy threshold: {', '.join(rates)}"


def _percent(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{100 * interval.rate:.1f} ({100 * interval.low:.0f}-{100 * interval.high:.0f})"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


if __name__ == "__main__":
    run_command(main)
