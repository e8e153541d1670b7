"""`python -m atp_ray.report RUN`: tables and figures of a run, the paper's published values beside them."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.alignment.learning_curve import read_metrics
from atp_ray.alignment.training_runs import TRAINING_KIND
from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import report_console, run_command
from atp_ray.measures.results import load_results
from atp_ray.report.figures.learning_curve import draw_learning_curve
from atp_ray.report.options import ReportOptions
from atp_ray.report.run_report import draw_figures, summary_tables
from atp_ray.report.training import training_table
from atp_ray.storage.run_folder import read_manifest


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return run(parse_options(ReportOptions, argv, "python -m atp_ray.report"))


def run(options: ReportOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    console = report_console()
    manifest = read_manifest(options.run)
    if manifest.get("kind") == TRAINING_KIND:
        rows = read_metrics(options.run)
        console.print(training_table(manifest, rows))
        for path in draw_learning_curve(options.out or options.run, manifest, rows, options.formats):
            console.print(f"Figure:  {path}", soft_wrap=True)
        return 0
    for table in summary_tables(options.run):
        console.print(table)
    n_cells, n_done = manifest.get("n_cells"), len(load_results(options.run))
    if n_cells is not None and n_done < n_cells:
        console.print(f"The run is incomplete: {n_done} of {n_cells} cells are finished.")
        console.print(f"Next:    python -m atp_ray.sweep --resume --out {options.run}")
    for path in draw_figures(options.run, options.out or options.run / "figures", options.formats):
        console.print(f"Figure:  {path}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    run_command(main)
