"""`report RUN`: tables and figures of a run, the paper's published values beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from atp_ray.alignment.learning_curve import read_metrics
from atp_ray.alignment.training_runs import TRAINING_KIND
from atp_ray.cli.run import report_console
from atp_ray.measures.results import load_results
from atp_ray.report.figures.learning_curve import draw_learning_curve
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
        with delivered(options.out or (options.run if trained else join(options.run, "figures"))) as out:
            draw = _training if trained else _sweep
            draw(report_console(), opened, manifest, out, options.formats)
    return 0


def _training(
    console: Console, opened: OpenRun, manifest: dict[str, Any], out: OpenRun, formats: Sequence[str]
) -> None:
    rows = read_metrics(opened.folder)
    console.print(training_table(manifest, rows))
    for path in draw_learning_curve(out.folder, manifest, rows, formats):
        console.print(f"Figure:  {out.shown(path)}", soft_wrap=True)


def _sweep(console: Console, opened: OpenRun, manifest: dict[str, Any], out: OpenRun, formats: Sequence[str]) -> None:
    for table in summary_tables(opened.folder):
        console.print(table)
    n_cells, n_done = manifest.get("n_cells"), len(load_results(opened.folder))
    if n_cells is not None and n_done < n_cells:
        console.print(f"The run is incomplete: {n_done} of {n_cells} cells are finished.")
        console.print(f"Next:    python -m atp_ray.sweep --resume --out {opened.place}")
    for path in draw_figures(opened.folder, out.folder, formats):
        console.print(written_line(path, out.shown(path)), soft_wrap=True)
