"""Tables and figures of a run, the paper's published values beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from atp_ray.measures.results import CellResult, honest_label, load_results
from atp_ray.paradigms.paradigm import Paradigm
from atp_ray.paradigms.registry import paradigms
from atp_ray.report.costs import costs_table
from atp_ray.report.figures.style import figure_style, save_figure
from atp_ray.report.mixed import mixed_table
from atp_ray.report.tipping import tipping_table
from atp_ray.storage.run_folder import read_manifest


def summary_tables(run_dir: Path) -> list[RenderableType]:
    """Return a run's results for a terminal: rates per setting, the paper beside ours, and the honest label.

    Raises:
        UsageError, StorageError: the run has no results or they cannot be read.
    """
    results = load_results(run_dir)
    shown: list[RenderableType] = []
    for room, of_room in by_paradigm(results):
        shown += room.presentation.tables(of_room)
    manifest = read_manifest(run_dir)
    tables = (mixed_table(run_dir, results), tipping_table(run_dir, manifest, results), costs_table(manifest))
    shown += [table for table in tables if table]
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
        for room, of_room in by_paradigm(results):
            for figure, name in room.presentation.figures(of_room):
                paths += save_figure(figure, out, name, formats)
    return paths


def sandbox_note(manifest: Mapping[str, Any]) -> str | None:
    """Return the line that says that tool calls were not isolated, None where they were or there were none."""
    return "Tool calls ran without a sandbox (--sandbox none)." if manifest.get("sandbox") == "none" else None


def by_paradigm(results: Sequence[CellResult]) -> Iterator[tuple[Paradigm, list[CellResult]]]:
    """Yield each paradigm of which there are results, with these."""
    for room in paradigms():
        if of_room := [result for result in results if result.setting.paradigm == room.name]:
            yield room, of_room
