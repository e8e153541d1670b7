"""`report RUN`: tables and figures of a run, the paper's published values beside them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from rich.console import Console

from atp_ray.alignment.learning_curve import read_metrics
from atp_ray.alignment.training_runs import TRAINING_KIND
from atp_ray.cli.run import report_console
from atp_ray.measures.results import load_results
from atp_ray.report.figures.learning_curve import draw_learning_curve
from atp_ray.report.html.page import FILE, Page, write_page
from atp_ray.report.html.run_page import sweep_page, training_page
from atp_ray.report.options import ShowOptions
from atp_ray.report.run_report import draw_figures, summary_tables
from atp_ray.report.texts import written_line
from atp_ray.report.training import training_table
from atp_ray.storage.places import join
from atp_ray.storage.run_folder import read_manifest
from atp_ray.storage.run_places import OpenRun, delivered, read_run


def show(options: ShowOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    with read_run(options.run) as opened:
        manifest = read_manifest(opened.folder)
        trained = manifest.get("kind") == TRAINING_KIND
        place = options.run if trained or options.html else join(options.run, "figures")
        with delivered(options.out or place) as out:
            draw = _training if trained else _sweep
            draw(report_console(), opened, manifest, out, options)
    return 0


def _training(console: Console, opened: OpenRun, manifest: dict[str, Any], out: OpenRun, options: ShowOptions) -> None:
    rows = read_metrics(opened.folder)
    console.print(training_table(manifest, rows))
    if options.html:
        _page(console, training_page(manifest, rows, _today()), out)
        return
    for path in draw_learning_curve(out.folder, manifest, rows, options.formats):
        console.print(written_line(path, out.shown(path)), soft_wrap=True)


def _sweep(console: Console, opened: OpenRun, manifest: dict[str, Any], out: OpenRun, options: ShowOptions) -> None:
    for table in summary_tables(opened.folder):
        console.print(table)
    n_cells, n_done = manifest.get("n_cells"), len(load_results(opened.folder))
    if n_cells is not None and n_done < n_cells:
        console.print(f"The run is incomplete: {n_done} of {n_cells} cells are finished.")
        console.print(f"Next:    python -m atp_ray.sweep --resume --out {opened.place}")
    if options.html:
        _page(console, sweep_page(opened.folder, manifest, _today()), out)
        return
    for path in draw_figures(opened.folder, out.folder, options.formats):
        console.print(written_line(path, out.shown(path)), soft_wrap=True)


def _page(console: Console, page: Page, out: OpenRun) -> None:
    path = write_page(page, out.folder / FILE)
    console.print(f"Report:  {out.shown(path)}", soft_wrap=True)


def _today() -> date:
    return datetime.now(UTC).date()
