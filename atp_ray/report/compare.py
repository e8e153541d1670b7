"""`report compare A B ...`: checkpoints beside their base, paired; tables, figures and Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from atp_ray.cli.run import report_console
from atp_ray.measures.survival import curves
from atp_ray.report.comparing import Compared, compare_runs
from atp_ray.report.comparison_files import write_comparison
from atp_ray.report.comparison_table import comparison_tables
from atp_ray.report.figures.comparisons import comparison_figures
from atp_ray.report.figures.style import figure_style, save_figure
from atp_ray.report.figures.survival import survival_figures
from atp_ray.report.html.page import FILE, write_page
from atp_ray.report.options import CompareOptions
from atp_ray.report.texts import written_line
from atp_ray.storage.places import base_name, join
from atp_ray.storage.run_folder import read_manifest
from atp_ray.storage.run_places import delivered, read_run


def compare_command(options: CompareOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    console = report_console()
    with ExitStack() as opened, delivered(options.out or join(options.runs[0], "comparison")) as out:
        runs = [(opened.enter_context(read_run(run)).folder, run) for run in options.runs]
        compared = compare_runs(runs, options.base)
        for table in comparison_tables(compared):
            console.print(table)
        if compared.label:
            console.print(Text(compared.label, style="italic"))
        if options.html:
            # Imported here: templates are for those who want a page.
            from atp_ray.report.html.compare_page import comparison_page

            described = [(base_name(run), read_manifest(folder)) for folder, run in runs]
            page = comparison_page(compared, described, datetime.now(UTC).date())
            console.print(f"Report:  {out.shown(write_page(page, out.folder / FILE))}", soft_wrap=True)
            return 0
        for path in write_all(compared, out.folder, options.formats):
            console.print(written_line(path, out.shown(path)), soft_wrap=True)
    return 0


def write_all(compared: Compared, out: Path, formats: Sequence[str]) -> list[Path]:
    """Write a comparison's figures and Parquet files into a folder and return their paths.

    Raises:
        StorageError: the folder cannot be written.
    """
    points = curves(list(compared.arms.items()))
    paths: list[Path] = []
    with figure_style():
        for figure, name in (*comparison_figures(compared), *survival_figures(points, compared.label)):
            paths += save_figure(figure, out, name, formats)
    return [*paths, *write_comparison(compared, points, out)]
