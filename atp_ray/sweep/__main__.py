"""`python -m atp_ray.sweep`: play a grid of settings and plot the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

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
from atp_ray.costs.record import costs_estimate
from atp_ray.costs.spent import decisions_settled
from atp_ray.paradigms.grids import Grid, checkpoint_names, expand
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.workload import Workload, estimate_workload
from atp_ray.report.dataset_card import write_card
from atp_ray.sandbox.isolation import require_isolation
from atp_ray.storage.places import base_name
from atp_ray.storage.run_folder import finished_cells, write_manifest
from atp_ray.storage.run_places import written_run
from atp_ray.sweep.concluding import conclude, status
from atp_ray.sweep.opening import begun_run, grid_and_place, open_run, plan_of, sandbox_of
from atp_ray.sweep.options import SweepOptions
from atp_ray.sweep.spending import Spending, estimate_lines, rates_of
from atp_ray.sweep.trackers.tracker import describe
from atp_ray.sweep.trackers.tracking import Tracking, open_trackers
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
    resumed = begun_run(options)
    grid, base_url, out = grid_and_place(options, resumed)
    prices, others = split_prices(options.set)
    engines, _ = split_settings(others)
    change = engine_change(engines, options.replicas, options.tensor_parallel, options.max_model_len)
    profiles = with_prices(change.apply(resolve_checkpoints(checkpoint_names(grid), base_url)), prices)
    profiles = with_recorded_prices(profiles, (resumed or {}).get("checkpoints"))
    cells = expand(grid, profiles)
    check_scope(cells, profiles.values())
    plan = plan_of(options, grid, cells)
    address = find_cluster(options.address, console.print)
    elsewhere = address is not None
    sandbox = sandbox_of(options, resumed)
    if paradigm(grid.paradigm).environment.uses_tools and not elsewhere and not options.dry_run:
        require_isolation(sandbox)  # before seconds go into the estimate
    rates = rates_of(options, profiles, resumed)
    expected = estimate_usage(cells, profiles.values())
    estimate = costs_estimate(expected, rates)
    workload = estimate_workload(cells, {name: entry.usage.prompt_tokens for name, entry in expected.items()})
    _describe(console, grid, workload, estimate_lines(expected, estimate, rates))
    if plan is not None:
        console.print(f"Plan {options.plan} (SHA-256 {plan.sha256})", soft_wrap=True)
    planning = planning_of(options.gpus, options.gpu_type, workload.demands)
    if options.dry_run:
        for line in dry_plan(profiles.values(), planning, address, rates.gpu_hour):
            console.print(line, soft_wrap=True)
        console.print("Dry run: nothing was played.")
        return 0
    policy = FailurePolicy(turn_timeout_s=options.turn_timeout)
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
    trackers = open_trackers(options.track, list((resumed or {}).get("tracking", {})), console.print)
    with written_run(out) as opened:
        run_dir = opened.folder
        manifest = open_run(run_dir, grid, base_url, cells, profiles, sandbox, estimate, plan, resume=options.resume)
        limits = Limits(options.max_cost, options.max_tokens_total, options.max_hours)
        spending = Spending(run_dir, manifest, rates, limits, started_at, alone=not elsewhere)
        missing = [cell for cell in cells if cell.cell_id not in finished_cells(run_dir)]
        outcome = SweepOutcome({}, ())
        if missing and options.resume:
            require_available(profiles.values(), elsewhere=elsewhere)
        if missing:  # before anybody is told that it begins: a limit may let no round begin
            placement = replace(placement, budget=spending.budget(cells, expected))
        before = decisions_settled(run_dir, cells) if trackers else 0  # reads logs, for trackers only
        tracking = Tracking(trackers, run_dir, console.print, before)
        if trackers:
            described = describe(base_name(out), run_dir, manifest)
            manifest |= {"tracking": tracking.start(described, options.track, manifest.get("tracking", {}))}
            write_manifest(run_dir, manifest)
        if missing:
            with tracking.following(), spending.kept(cells):
                outcome = _play(
                    console, missing, profiles, run_dir, placement, options.cells_at_once, spending, tracking.update
                )
        done = finished_cells(run_dir) & {cell.cell_id for cell in cells}
        seconds = outcome.seconds | {"total": time.monotonic() - started}
        manifest |= {"status": status(len(done) == len(cells), outcome), "seconds": seconds}
        write_manifest(run_dir, manifest)
        write_card(run_dir)
        with tracking.ended():
            return conclude(console, opened, len(done), len(cells), outcome, started, tracking)


def _play(
    console: Console,
    cells: Sequence[CellSpec],
    profiles: dict[str, Profile],
    out: Path,
    placement: Placement,
    cells_at_once: int | None,
    spending: Spending,
    on_counts: Callable[[Counts], None],
) -> SweepOutcome:
    decisions = sum(cell.n_decisions for cell in cells)
    rate_name = paradigm(cells[0].paradigm).presentation.terms.rate
    with progress_bar(console, "starting", decisions, "decisions") as update:

        def show(counts: Counts) -> None:
            on_counts(counts)
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
            # What draws at the end takes half a second to import.
            meanwhile=lambda: import_module("atp_ray.report.run_report"),
        )


def _describe(console: Console, grid: Grid, workload: Workload, estimate: Sequence[str]) -> None:
    console.print(f"[bold]{grid.name}[/bold]: {grid.description}" if grid.description else f"[bold]{grid.name}[/bold]")
    console.print(f"{workload.cells} cells, {workload.episodes} episodes, {workload.total.decisions:,} decisions")
    for line in estimate:
        console.print(line, soft_wrap=True)


if __name__ == "__main__":
    run_command(main)
