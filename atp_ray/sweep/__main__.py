"""`python -m atp_ray.sweep`: play a grid of settings and plot the results."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from actors.coordinator import Progress as Counts
from actors.failure_policy import FailurePolicy
from atp_ray.checkpoint.engine_changes import engine_change, split_settings
from atp_ray.checkpoint.hub import require_available
from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.checkpoint.price_changes import split_prices, with_prices, with_recorded_prices
from atp_ray.checkpoint.profiles import Profile
from atp_ray.checkpoint.scope import check_scope
from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import progress_bar, report_console, run_command
from atp_ray.costs.budget import Limits
from atp_ray.costs.estimate import estimate_usage
from atp_ray.costs.record import ESTIMATE, CostsEstimate, costs_estimate
from atp_ray.errors import AtpError, EngineError, SpendingError, UsageError
from atp_ray.paradigms.grids import Grid, checkpoint_names, expand, load_grid, parse_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.workload import Workload, estimate_workload
from atp_ray.report.run_report import draw_figures, summary_tables
from atp_ray.sandbox.isolation import Isolation, require_isolation
from atp_ray.storage.places import join
from atp_ray.storage.run_folder import create_run, finished_cells, read_manifest, write_manifest
from atp_ray.storage.run_places import OpenRun, manifest_at, require_new, written_run
from atp_ray.storage.schema import table_schemas
from atp_ray.sweep.options import SweepOptions, grid_names
from atp_ray.sweep.spending import Spending, estimate_lines, rates_of
from serve_deployments.engine_plans import planning_of
from tune_sweeps.connection import find_cluster
from tune_sweeps.dry_plan import dry_plan
from tune_sweeps.experiment import Placement
from tune_sweeps.runner import SweepOutcome, play_cells


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return run(parse_options(SweepOptions, argv, "python -m atp_ray.sweep"))


def run(options: SweepOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    console = report_console()
    started, started_at = time.monotonic(), time.time()
    begun = _begun(options)
    grid, base_url, out = _grid_and_place(options, begun)
    prices, others = split_prices(options.set)
    engines, _ = split_settings(others)
    change = engine_change(engines, options.replicas, options.tensor_parallel, options.max_model_len)
    profiles = with_prices(change.apply(resolve_checkpoints(checkpoint_names(grid), base_url)), prices)
    profiles = with_recorded_prices(profiles, (begun or {}).get("checkpoints"))
    cells = expand(grid, profiles)
    check_scope(cells, profiles.values())
    rates = rates_of(options, profiles, begun)
    expected = estimate_usage(cells, profiles.values())
    estimate = costs_estimate(expected, rates)
    workload = estimate_workload(cells, {name: entry.usage.prompt_tokens for name, entry in expected.items()})
    _describe(console, grid, workload, estimate_lines(expected, estimate, rates))
    planning = planning_of(options.gpus, options.gpu_type, workload.demands)
    address = find_cluster(options.address, console.print)
    if options.dry_run:
        for line in dry_plan(profiles.values(), planning, address, rates.gpu_hour):
            console.print(line, soft_wrap=True)
        console.print("Dry run: nothing was played.")
        return 0
    policy = FailurePolicy(turn_timeout_s=options.turn_timeout)
    sandbox = _sandbox(options, begun)
    elsewhere = address is not None
    if paradigm(grid.paradigm).environment.uses_tools and not elsewhere:
        require_isolation(sandbox)
    placement = Placement(
        address,
        options.agents_per_actor,
        failure_policy=policy,
        sandbox=sandbox,
        keep=options.keep,
        planning=planning,
    )
    if not options.resume:
        require_available(profiles.values(), elsewhere=elsewhere)
    with written_run(out) as opened:
        run_dir = opened.folder
        manifest = _open_run(run_dir, grid, base_url, cells, profiles, sandbox, estimate, resume=options.resume)
        limits = Limits(options.max_cost, options.max_tokens_total, options.max_hours)
        spending = Spending(run_dir, manifest, rates, limits, started_at, alone=not elsewhere)
        missing = [cell for cell in cells if cell.cell_id not in finished_cells(run_dir)]
        outcome = SweepOutcome({}, ())
        if missing:
            if options.resume:
                require_available(profiles.values(), elsewhere=elsewhere)
            placement = replace(placement, budget=spending.budget(cells, expected))
            with spending.kept(cells):
                outcome = _play(console, missing, profiles, run_dir, placement, options.cells_at_once, spending)
        done = finished_cells(run_dir) & {cell.cell_id for cell in cells}
        seconds = outcome.seconds | {"total": time.monotonic() - started}
        manifest |= {"status": _status(len(done) == len(cells), outcome), "seconds": seconds}
        write_manifest(run_dir, manifest)
        return _conclude(console, opened, len(done), len(cells), outcome, started)


def _begun(options: SweepOptions) -> dict[str, Any] | None:
    """Return the manifest of the run that is resumed, None where a new one starts.

    Raises:
        UsageError: there is no run to resume, or a run where a new one is to start.
    """
    if not options.resume:
        if options.out is not None and not options.dry_run:
            require_new(options.out)
        return None
    if options.out is None:
        raise UsageError("needs the run to continue", "--resume", "Add --out RUN")
    return manifest_at(options.out)


def _grid_and_place(options: SweepOptions, begun: Mapping[str, Any] | None) -> tuple[Grid, str | None, str]:
    _, settings = split_settings(split_prices(options.set)[1])
    if begun is not None and options.out is not None:
        if options.grid or settings or options.checkpoint or options.scenarios or options.population:
            raise UsageError(
                "resumes a run with what it started with", "--resume", "Leave out --grid, --set and the like"
            )
        grid = parse_grid(begun.get("grid_as_given"), f"{options.out}/run.json: grid_as_given")
        return grid, options.base_url or begun.get("base_url"), options.out
    if options.grid is None:
        raise UsageError("no grid given", "--grid", f"Use one of {', '.join(grid_names())}")
    grid = load_grid(
        options.grid,
        settings,
        checkpoints=options.checkpoint or None,
        scenarios=options.scenarios,
        population=options.population,
        n_agents=[options.n_agents] if options.n_agents else None,
        rounds=options.rounds,
        seeds=options.seeds,
    )
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return grid, options.base_url, options.out or join("runs", f"{grid.name}-{stamp}")


def _sandbox(options: SweepOptions, begun: Mapping[str, Any] | None) -> Isolation:
    """Return the isolation asked for; a resumed run keeps its own unless told otherwise."""
    recorded = begun.get("sandbox") if begun is not None else None
    chosen: Isolation = options.sandbox or recorded or "bubblewrap"
    return chosen


def _open_run(
    out: Path,
    grid: Grid,
    base_url: str | None,
    cells: Sequence[CellSpec],
    profiles: dict[str, Profile],
    sandbox: Isolation,
    estimate: CostsEstimate,
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
                ESTIMATE: estimate.model_dump(mode="json"),
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
    cells_at_once: int | None,
    spending: Spending,
) -> SweepOutcome:
    decisions = sum(cell.n_decisions for cell in cells)
    rate_name = paradigm(cells[0].paradigm).presentation.terms.rate
    with progress_bar(console, "starting", decisions, "decisions") as update:

        def show(counts: Counts) -> None:
            rate = f"{rate_name} {counts.deviant / counts.decided:.0%}" if counts.decided else ""
            note = f"{rate}, {counts.undecided} undecided" if counts.undecided else rate
            spending.look(counts.usages)
            note += spending.note(counts.usages)
            update(counts.decisions, None, note, f"playing, {counts.cells}/{len(cells)} cells")

        def show_part(part: str) -> None:
            update(0, description=f"starting {part}")

        return play_cells(
            cells,
            list(profiles.values()),
            out,
            placement,
            cells_at_once,
            show,
            on_started=lambda experiment: spending.playing(experiment.budget),
            on_part=show_part,
        )


def _describe(console: Console, grid: Grid, workload: Workload, estimate: Sequence[str]) -> None:
    console.print(f"[bold]{grid.name}[/bold]: {grid.description}" if grid.description else f"[bold]{grid.name}[/bold]")
    console.print(f"{workload.cells} cells, {workload.episodes} episodes, {workload.total.decisions:,} decisions")
    for line in estimate:
        console.print(line, soft_wrap=True)


def _conclude(
    console: Console, opened: OpenRun, n_done: int, n_cells: int, outcome: SweepOutcome, started: float
) -> int:
    out, run_dir = opened.place, opened.folder
    if n_done:
        for table in summary_tables(run_dir):
            console.print(table)
        figures = draw_figures(run_dir, run_dir / "figures", ("png", "svg"))
        console.print(f"Results: {out}  (Parquet: {', '.join(_datasets(run_dir))})", soft_wrap=True)
        for figure in figures:
            console.print(f"Figure:  {opened.shown(figure)}", soft_wrap=True)
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


def _status(finished: bool, outcome: SweepOutcome) -> str:
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


if __name__ == "__main__":
    run_command(main)
