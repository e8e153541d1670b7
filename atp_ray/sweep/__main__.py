"""`python -m atp_ray.sweep`: play a grid of settings and draw what came of it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from actors.coordinator import Progress as Counts
from actors.failure_policy import FailurePolicy
from atp_ray.checkpoint.hub import require_available
from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.checkpoint.profiles import Profile
from atp_ray.checkpoint.scope import check_scope
from atp_ray.cli import positive_int, progress_bar, report_console, run_command
from atp_ray.config_files import config_names, parse_model
from atp_ray.errors import AtpError, EngineError, UsageError
from atp_ray.paradigms.grids import Grid, checkpoint_names, expand, load_grid, parse_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.workload import Workload, estimate_workload
from atp_ray.report.run_report import draw_figures, summary_tables
from atp_ray.sandbox.isolation import Isolation, require_isolation
from atp_ray.storage.run_folder import create_run, finished_cells, read_manifest, run_lock, write_manifest
from atp_ray.storage.schema import table_schemas
from tune_sweeps.experiment import Placement
from tune_sweeps.runner import SweepOutcome, play_cells


def build_parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(prog="python -m atp_ray.sweep", description=__doc__.partition(": ")[2])
    grids = ", ".join(config_names("grids"))
    parser.add_argument("--grid", help=f"{grids}, or the path of a YAML file")
    parser.add_argument("--checkpoint", action="append", help="checkpoint to play; repeat for several (default: tiny)")
    parser.add_argument("--population", help="NAME:COUNT,NAME:COUNT - seats for different checkpoints (games)")
    parser.add_argument("--scenarios", help="all, names separated by commas, or upstream:FILE")
    parser.add_argument("--n-agents", type=positive_int, help="agents per game (games)")
    parser.add_argument("--rounds", type=positive_int, help="rounds per episode")
    parser.add_argument("--seeds", type=positive_int, help="repetitions of every episode")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change any key of the grid")
    parser.add_argument("--out", type=Path, help="run folder (default: runs/GRID-TIME)")
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in --out; only what is missing is played"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be played, and stop")
    parser.add_argument("--address", help="an existing Ray cluster: auto, or ray://HEAD:10001")
    parser.add_argument("--base-url", help="endpoint of an openai: checkpoint")
    parser.add_argument("--agents-per-actor", type=positive_int, help="pack this many agents into one actor")
    parser.add_argument(
        "--sandbox",
        choices=get_args(Isolation),
        help="where the tool's Python runs (tool usage): isolated (default), or none, with your own rights",
    )
    parser.add_argument("--cells-at-once", type=positive_int, default=4, help="cells in play together (default: 4)")
    parser.add_argument(
        "--turn-timeout", type=float, default=900.0, help="seconds to wait for decisions (default: 900)"
    )
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = build_parser().parse_args(argv)
    console = report_console()
    started = time.monotonic()
    grid, base_url, out = _grid_and_folder(arguments)
    profiles = resolve_checkpoints(checkpoint_names(grid), base_url)
    cells = expand(grid, profiles)
    check_scope(cells, profiles.values())
    workload = estimate_workload(cells)
    _describe(console, grid, workload)
    if arguments.dry_run:
        console.print("Dry run: nothing was played.")
        return 0
    policy = parse_model(FailurePolicy, {"turn_timeout_s": arguments.turn_timeout}, "--turn-timeout")
    sandbox = _sandbox(arguments)
    if paradigm(grid.paradigm).environment.uses_tools and arguments.address is None:
        require_isolation(sandbox)
    placement = Placement(arguments.address, arguments.agents_per_actor, failure_policy=policy, sandbox=sandbox)
    if {cell.cell_id for cell in cells} - finished_cells(out):
        require_available(profiles.values(), elsewhere=arguments.address is not None)
    with run_lock(out):
        manifest = _open_run(out, grid, base_url, cells, profiles, sandbox, resume=arguments.resume)
        missing = [cell for cell in cells if cell.cell_id not in finished_cells(out)]
        outcome = SweepOutcome({}, ())
        if missing:
            outcome = _play(console, missing, profiles, out, placement, arguments.cells_at_once)
        done = finished_cells(out) & {cell.cell_id for cell in cells}
        seconds = outcome.seconds | {"total": time.monotonic() - started}
        manifest |= {"status": "complete" if len(done) == len(cells) else "incomplete", "seconds": seconds}
        write_manifest(out, manifest)
    return _conclude(console, out, len(done), len(cells), outcome, started)


def _grid_and_folder(arguments: argparse.Namespace) -> tuple[Grid, str | None, Path]:
    if arguments.resume:
        if arguments.out is None:
            raise UsageError("needs the run to continue", "--resume", "Add --out RUN")
        manifest = read_manifest(arguments.out)
        if arguments.grid or arguments.set or arguments.checkpoint or arguments.scenarios or arguments.population:
            raise UsageError("continues a run as it was begun", "--resume", "Leave out --grid, --set and the like")
        grid = parse_grid(manifest.get("grid_as_given"), f"{arguments.out}/run.json: grid_as_given")
        return grid, arguments.base_url or manifest.get("base_url"), arguments.out
    if arguments.grid is None:
        raise UsageError("no grid given", "--grid", f"Use one of {', '.join(config_names('grids'))}")
    grid = load_grid(
        arguments.grid,
        arguments.set,
        checkpoints=arguments.checkpoint,
        scenarios=arguments.scenarios,
        population=arguments.population,
        n_agents=[arguments.n_agents] if arguments.n_agents else None,
        rounds=arguments.rounds,
        seeds=arguments.seeds,
    )
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return grid, arguments.base_url, arguments.out or Path("runs") / f"{grid.name}-{stamp}"


def _sandbox(arguments: argparse.Namespace) -> Isolation:
    """Return the isolation asked for; a resumed run keeps its own unless told otherwise."""
    recorded = read_manifest(arguments.out).get("sandbox") if arguments.resume else None
    chosen: Isolation = arguments.sandbox or recorded or "bubblewrap"
    return chosen


def _open_run(
    out: Path,
    grid: Grid,
    base_url: str | None,
    cells: Sequence[CellSpec],
    profiles: dict[str, Profile],
    sandbox: Isolation,
    *,
    resume: bool,
) -> dict[str, Any]:
    cell_ids = [cell.cell_id for cell in cells]
    if not resume:
        create_run(
            out,
            {
                # As given is what a resumed run is expanded from; as resolved is for the reader.
                "grid_as_given": grid.model_dump(mode="json", exclude_unset=True),
                "grid": grid.model_dump(mode="json"),
                "base_url": base_url,
                "sandbox": sandbox if paradigm(grid.paradigm).environment.uses_tools else None,
                "checkpoints": {name: profile.model_dump(mode="json") for name, profile in profiles.items()},
                "seeds": list(range(grid.seeds)),
                "n_cells": len(cells),
                "cell_ids": cell_ids,
                "status": "running",
            },
        )
    manifest = read_manifest(out)
    if manifest.get("cell_ids") != cell_ids:
        hint = "Start a new run with --out, or restore what was there when it began"
        raise UsageError("its checkpoint, scenarios or prompts have changed since it began", str(out), hint)
    return manifest


def _play(
    console: Console,
    cells: Sequence[CellSpec],
    profiles: dict[str, Profile],
    out: Path,
    placement: Placement,
    cells_at_once: int,
) -> SweepOutcome:
    decisions = sum(cell.n_decisions for cell in cells)
    rate_name = paradigm(cells[0].paradigm).presentation.terms.rate
    with progress_bar(console, "starting", decisions, "decisions") as update:

        def show(counts: Counts) -> None:
            rate = f"{rate_name} {counts.deviant / counts.decided:.0%}" if counts.decided else ""
            note = f"{rate}, {counts.undecided} undecided" if counts.undecided else rate
            update(counts.decisions, None, note, f"playing, {counts.cells}/{len(cells)} cells")

        def show_part(part: str) -> None:
            update(0, description=f"starting {part}")

        return play_cells(cells, list(profiles.values()), out, placement, cells_at_once, show, on_part=show_part)


def _describe(console: Console, grid: Grid, workload: Workload) -> None:
    console.print(f"[bold]{grid.name}[/bold]: {grid.description}" if grid.description else f"[bold]{grid.name}[/bold]")
    console.print(
        f"{workload.cells} cells, {workload.episodes} episodes, {workload.decisions:,} decisions; "
        f"about {workload.prompt_tokens:,} prompt tokens (estimate), "
        f"replies up to {workload.longest_reply_tokens} tokens"
    )


def _conclude(console: Console, out: Path, n_done: int, n_cells: int, outcome: SweepOutcome, started: float) -> int:
    if n_done:
        for table in summary_tables(out):
            console.print(table)
        figures = draw_figures(out, out / "figures", ("png", "svg"))
        console.print(f"Results: {out}  (Parquet: {', '.join(_datasets(out))})", soft_wrap=True)
        for figure in figures:
            console.print(f"Figure:  {figure}", soft_wrap=True)
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


def _first_error(outcome: SweepOutcome) -> BaseException:
    for error in outcome.errors:
        if isinstance(error, AtpError):
            return error
    return outcome.errors[0] if outcome.errors else EngineError("the sweep was stopped before all cells were played")


if __name__ == "__main__":
    run_command(main)
