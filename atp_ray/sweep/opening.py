"""What a sweep starts from: the grid asked for, or the run that is resumed, with its plan and its `run.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atp_ray.checkpoint.engine_changes import split_settings
from atp_ray.checkpoint.price_changes import split_prices
from atp_ray.checkpoint.profiles import Profile
from atp_ray.costs.record import ESTIMATE, CostsEstimate
from atp_ray.errors import UsageError
from atp_ray.measures.plans import PlanRecord, cell_setting, load_plan, record_of, require_fit
from atp_ray.measures.results import players_label
from atp_ray.paradigms.grids import Grid, load_grid, parse_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.report.dataset_card import write_card
from atp_ray.sandbox.isolation import Isolation
from atp_ray.storage.places import join
from atp_ray.storage.run_folder import create_run, read_manifest
from atp_ray.storage.run_places import manifest_at, require_new
from atp_ray.sweep.options import SweepOptions, grid_names


def begun_run(options: SweepOptions) -> dict[str, Any] | None:
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


def grid_and_place(options: SweepOptions, begun: Mapping[str, Any] | None) -> tuple[Grid, str | None, str]:
    """Return the grid, the endpoint and the run folder: of the run that is resumed, else of the options.

    Raises:
        UsageError: the options do not go together, or the grid is none.
    """
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


def plan_of(options: SweepOptions, grid: Grid, cells: Sequence[CellSpec]) -> PlanRecord | None:
    """Return what the run keeps of the plan it was given; a resumed one has its own in `run.json`.

    Raises:
        UsageError: the plan cannot be read, or is for another experiment.
    """
    if options.plan is None:
        return None
    if options.resume:
        raise UsageError(
            "a plan is made before a run, this one has begun", "--plan", "Leave it out: the run keeps its own"
        )
    plan, text = load_plan(options.plan)
    resolved = grid.model_dump(mode="json")
    require_fit(
        plan, resolved, [cell.checkpoint for cell in cells], [cell_setting(cell) for cell in cells], str(options.plan)
    )
    return record_of(text, resolved, [cell.cell_id for cell in cells])


def sandbox_of(options: SweepOptions, begun: Mapping[str, Any] | None) -> Isolation:
    """Return the isolation asked for; a resumed run keeps its own unless told otherwise."""
    recorded = begun.get("sandbox") if begun is not None else None
    chosen: Isolation = options.sandbox or recorded or "bubblewrap"
    return chosen


def open_run(
    out: Path,
    grid: Grid,
    base_url: str | None,
    cells: Sequence[CellSpec],
    profiles: dict[str, Profile],
    sandbox: Isolation,
    estimate: CostsEstimate,
    plan: PlanRecord | None,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Return the manifest of the run, written first where it is new.

    Raises:
        UsageError: the run that is resumed is of other cells.
    """
    cell_ids = [cell.cell_id for cell in cells]
    if not resume:
        label = players_label((cell.checkpoint, cell.checkpoint_kind) for cell in cells)
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
                "n_decisions": sum(cell.n_decisions for cell in cells),
                "label": label,
                "cell_ids": cell_ids,
                "status": "running",
            }
            | ({} if plan is None else {"plan": plan.model_dump(mode="json")}),
        )
        write_card(out)
    manifest = read_manifest(out)
    if manifest.get("cell_ids") != cell_ids:
        hint = "Start a new run with --out, or restore what was there when it began"
        raise UsageError("its checkpoint, scenarios or prompts have changed since it began", str(out), hint)
    return manifest
