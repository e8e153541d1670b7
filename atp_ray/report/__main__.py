"""`python -m atp_ray.report RUN`: tables and figures of a run, the paper's published values beside them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from atp_ray.alignment.learning_curve import read_metrics
from atp_ray.alignment.training_runs import TRAINING_KIND
from atp_ray.cli import report_console, run_command
from atp_ray.errors import UsageError
from atp_ray.measures.results import load_results
from atp_ray.report.figures.learning_curve import draw_learning_curve
from atp_ray.report.run_report import draw_figures, summary_tables
from atp_ray.report.training import training_table
from atp_ray.storage.run_folder import read_manifest

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


if __name__ == "__main__":
    run_command(main)
