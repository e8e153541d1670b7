"""Tables and figures of a run, the paper's published values beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from atp_ray.measures.results import CellResult, honest_label, interval_note, load_results
from atp_ray.paradigms.paradigm import Paradigm
from atp_ray.paradigms.registry import paradigms
from atp_ray.report.compare import write_all
from atp_ray.report.comparing import compared_in
from atp_ray.report.comparison_table import MOST_ROWS, comparison_tables
from atp_ray.report.costs import costs_table
from atp_ray.report.figures.style import figure_style, save_figure
from atp_ray.report.mixed import mixed_table
from atp_ray.report.probes import probes_table
from atp_ray.storage.run_folder import read_manifest


def summary_tables(run_dir: Path) -> list[RenderableType]:
    """Return a run's results for a terminal: rates per setting, the paper beside ours, and the honest label.

    Raises:
        UsageError, StorageError: the run has no results or they cannot be read.
    """
    results, manifest = load_results(run_dir), read_manifest(run_dir)
    shown: list[RenderableType] = []
    for room, of_room in by_paradigm(results):
        shown += room.presentation.tables(of_room)
    if (mixed := mixed_table(run_dir, results)) is not None:
        shown.append(mixed)
    if (probes := probes_table(run_dir)) is not None:
        shown.append(probes)
    if (compared := compared_in(run_dir, results)) is not None:
        shown += comparison_tables(compared, MOST_ROWS)
    if (costs := costs_table(manifest)) is not None:
        shown.append(costs)
    return [*shown, *(Text(note, style="italic") for note in run_notes(results, manifest))]


def run_notes(results: Sequence[CellResult], manifest: Mapping[str, Any]) -> list[str]:
    """Return what is to be said of a run's results wherever they stand: intervals, honest label, tools not isolated."""
    notes = (f"{interval_note(results)}.", honest_label(results), sandbox_note(manifest))
    return [note for note in notes if note]


def draw_figures(run_dir: Path, out: Path, formats: Sequence[str]) -> list[Path]:
    """Draw every figure the run's results allow and return the files; Figure 3 is drawn at incentive ratio 1.

    Where checkpoints are compared, the numbers are written beside the figures as Parquet.

    Raises:
        UsageError, StorageError: the run has no results, or the figures cannot be written.
    """
    results = load_results(run_dir)
    paths: list[Path] = []
    with figure_style():
        for room, of_room in by_paradigm(results):
            for figure, name in room.presentation.figures(of_room):
                paths += save_figure(figure, out, name, formats)
    if (compared := compared_in(run_dir, results)) is not None:
        paths += write_all(compared, out, formats)
    return paths


def sandbox_note(manifest: Mapping[str, Any]) -> str | None:
    """Return the line that says that tool calls were not isolated, None where they were or there were none."""
    return "Tool calls ran without a sandbox (--sandbox none)." if manifest.get("sandbox") == "none" else None


def by_paradigm(results: Sequence[CellResult]) -> Iterator[tuple[Paradigm, list[CellResult]]]:
    """Yield each paradigm of which there are results, with these."""
    for room in paradigms():
        if of_room := [result for result in results if result.setting.paradigm == room.name]:
            yield room, of_room
