"""How a sweep ends: tables, figures, what the run is called, and the next command."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from atp_ray.errors import AtpError, EngineError, SpendingError
from atp_ray.report.texts import written_line
from atp_ray.storage.run_places import OpenRun
from atp_ray.storage.schema import table_schemas
from atp_ray.sweep.trackers.tracker import outcome_of
from atp_ray.sweep.trackers.tracking import Tracking
from tune_sweeps.runner import SweepOutcome


def conclude(
    console: Console,
    opened: OpenRun,
    n_done: int,
    n_cells: int,
    outcome: SweepOutcome,
    started: float,
    tracking: Tracking,
) -> int:
    """Print and draw what there is, end the trackers, and name the next command; returns the exit code.

    Raises:
        AtpError: what kept the sweep from finishing, once everything else is told.
    """
    out, run_dir = opened.place, opened.folder
    figures: list[Path] = []
    if n_done:
        # Imported here: what draws takes half a second, and a sweep that is refused draws nothing.
        from atp_ray.report.run_report import draw_figures, summary_tables

        for table in summary_tables(run_dir):
            console.print(table)
        figures = draw_figures(run_dir, run_dir / "figures", ("png", "svg"))
        console.print(f"Results: {out}  (Parquet: {', '.join(_datasets(run_dir))})", soft_wrap=True)
        for figure in figures:
            console.print(written_line(figure, opened.shown(figure)), soft_wrap=True)
    if tracking.active:
        tracking.finish(outcome_of(run_dir, figures))
    for line in tracking.lines(out):
        console.print(line, soft_wrap=True)
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.seconds.items())
    console.print(f"Time:    {time.monotonic() - started:.1f} s" + (f" ({parts})" if parts else ""))
    if n_done < n_cells:
        console.print(f"{n_done} of {n_cells} cells are finished.")
        console.print(f"Next:    python -m atp_ray.sweep --resume --out {out}", soft_wrap=True)
        raise _first_error(outcome)
    console.print(f"Next:    python -m atp_ray.report {out}", soft_wrap=True)
    return 0


def _datasets(out: Path) -> list[str]:
    return [name for name in table_schemas() if (out / name).is_dir()]


def status(finished: bool, outcome: SweepOutcome) -> str:
    """Return what `run.json` says of a run: complete, stopped by a limit, or incomplete."""
    if finished:
        return "complete"
    return "stopped" if any(isinstance(error, SpendingError) for error in outcome.errors) else "incomplete"


def _first_error(outcome: SweepOutcome) -> BaseException:
    # A limit is told only where nothing else went wrong.
    errors = sorted(outcome.errors, key=lambda error: isinstance(error, SpendingError))
    for error in errors:
        if isinstance(error, AtpError):
            return error
    return outcome.errors[0] if outcome.errors else EngineError("the sweep was stopped before all cells were played")
