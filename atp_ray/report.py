"""`python -m atp_ray.report RUN`: tables and figures of a run, the paper's published values beside them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.console import RenderableType
from rich.text import Text

from atp_ray.alignment.learning_curve import read_metrics
from atp_ray.cli import report_console, run_command
from atp_ray.errors import UsageError
from atp_ray.figures.learning_curve import draw_learning_curve
from atp_ray.figures.rates_by_round import draw_rates_by_round
from atp_ray.figures.recollusion import draw_recollusion
from atp_ray.figures.settings_grid import draw_settings_grid
from atp_ray.figures.solo_rounds import draw_tool_usage, draw_violation_rates
from atp_ray.figures.style import figure_style, save_figure
from atp_ray.paradigms import Paradigm
from atp_ray.published import published_figure3, published_table1, published_table2
from atp_ray.results import CellResult, honest_label, load_results, values
from atp_ray.storage.run_folder import read_manifest
from atp_ray.summary.games import PAPER_AGENTS, PAPER_RATIO, game_tables
from atp_ray.summary.mixed import mixed_table
from atp_ray.summary.role_play import role_play_tables
from atp_ray.summary.tipping import tipping_table
from atp_ray.summary.tool_usage import tool_usage_tables
from atp_ray.summary.training import training_table
from atp_ray.training_runs import TRAINING_KIND

FORMATS = ("png", "svg", "pdf")


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
    if manifest.get("kind") == TRAINING_KIND:
        rows = read_metrics(arguments.run)
        console.print(training_table(manifest, rows))
        for path in draw_learning_curve(arguments.out or arguments.run, manifest, rows, formats):
            console.print(f"Figure:  {path}", soft_wrap=True)
        return 0
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
    shown: list[RenderableType] = []
    for paradigm, tables in _TABLES.items():
        if of_paradigm := [result for result in results if result.setting.paradigm == paradigm]:
            shown += tables(of_paradigm)
    manifest = read_manifest(run_dir)
    shown += [table for table in (mixed_table(run_dir, results), tipping_table(run_dir, manifest, results)) if table]
    notes = (honest_label(results), sandbox_note(manifest))
    return [*shown, *(Text(note, style="italic") for note in notes if note)]


def draw_figures(run_dir: Path, out: Path, formats: Sequence[str]) -> list[Path]:
    """Draw every figure the run's results allow and return the files; Figure 3 is drawn at incentive ratio 1.

    Raises:
        UsageError, StorageError: the run has no results, or the figures cannot be written.
    """
    results = load_results(run_dir)
    paths: list[Path] = []
    with figure_style():
        for paradigm, draw in _FIGURES.items():
            if of_paradigm := [result for result in results if result.setting.paradigm == paradigm]:
                paths += [
                    path for figure, name in draw(of_paradigm) for path in save_figure(figure, out, name, formats)
                ]
    return paths


def sandbox_note(manifest: Mapping[str, Any]) -> str | None:
    """Return the line that says that tool calls were not isolated, None where they were or there were none."""
    return "Tool calls ran without a sandbox (--sandbox none)." if manifest.get("sandbox") == "none" else None


def _game_figures(results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
    results = [result for result in results if result.setting.threshold is not None]
    for n_agents in values(results, "n_agents"):
        cells = [result for result in results if result.setting.n_agents == n_agents]
        suffix = "" if len(values(results, "n_agents")) == 1 else f"_n{n_agents}"
        ratios = values(cells, "incentive_ratio")
        ratio = PAPER_RATIO if PAPER_RATIO in ratios else ratios[0]
        published = published_figure3() if n_agents == PAPER_AGENTS and ratio == PAPER_RATIO else None
        at_ratio = [cell for cell in cells if cell.setting.incentive_ratio == ratio]
        yield draw_rates_by_round(at_ratio, published), f"figure3_rates_by_round{suffix}"
        if any(len(cell.rates_R) > 1 for cell in cells):
            yield draw_recollusion(cells), f"figure4_recollusion{suffix}"
        if len(ratios) > 1:
            yield draw_settings_grid(cells), f"figure6_settings{suffix}"


def _role_play_figures(results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
    yield draw_violation_rates(results, published_table1()), "table1_violation_rate"


def _tool_figures(results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
    yield draw_tool_usage(results, published_table2()), "table2_tool_usage"


_TABLES: dict[Paradigm, Callable[[Sequence[CellResult]], list[RenderableType]]] = {
    "games": game_tables,
    "role_play": role_play_tables,
    "tool_usage": tool_usage_tables,
}
_FIGURES: dict[Paradigm, Callable[[Sequence[CellResult]], Iterator[tuple[Figure, str]]]] = {
    "games": _game_figures,
    "role_play": _role_play_figures,
    "tool_usage": _tool_figures,
}


if __name__ == "__main__":
    run_command(main)
