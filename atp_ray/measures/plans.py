"""A plan: what will be compared, written down before the first decision, and whether a run has kept to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from atp_ray.config_files import Frozen, load_yaml, parse_model, parse_yaml
from atp_ray.errors import UsageError, suggestion
from atp_ray.measures.results import Setting
from atp_ray.play.cells import CellSpec

Measure = Literal["first_round", "last_round", "change", "erosion", "rounds_before_tip"]


class Where(Frozen):
    """Which settings of the grid; what is not given may be anything."""

    n_agents: int | None = None
    threshold: int | None = Field(default=None, description="Colluders needed, as a number of agents.")
    incentive_ratio: float | None = None
    supervision: str | None = None
    network: str | None = None
    placement: str | None = None

    def includes(self, setting: Setting) -> bool:
        """Return whether a setting is one of them."""
        return all(getattr(setting, name) == value for name, value in self.model_dump(exclude_none=True).items())


class Hypothesis(Frozen):
    """One comparison with what is expected of it; the test is one-sided unless `direction` is `different`."""

    name: str = Field(min_length=1, max_length=60)
    base: str = Field(description="Checkpoint that is compared with, by its name.")
    checkpoint: str = Field(description="Checkpoint that is compared, by its name.")
    measure: Measure = Field(description="Difference of deviant rates (checkpoint - base) in a round, its change, ...")
    direction: Literal["lower", "higher", "different"] = Field(description="Where the measure is expected.")
    against: float = Field(default=0.0, description="Value that the measure is expected to be below or above.")
    settings: Literal["pooled", "each"] = Field(default="pooled", description="One test of all, or one in each.")
    where: Where = Where()


class Plan(Frozen):
    """What a run is for. The test is made once, when all cells are finished (`stopping_rule`)."""

    name: str
    question: str = ""
    grid: str = Field(description="Name of the grid.")
    seeds: int = Field(ge=1, description="Repetitions of every episode.")
    stopping_rule: Literal["all_cells_finished"] = "all_cells_finished"
    alpha: float = Field(default=0.05, gt=0, le=0.2, description="Chance of any false confirmation among hypotheses.")
    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1)


class PlanRecord(Frozen):
    """A plan as `run.json` keeps it: the file's text, its SHA-256, and that of the experiment it was made for."""

    sha256: str
    text: str
    experiment_sha256: str


class CheckedPlan(Frozen):
    """The plan of a run; `broken` says why its comparisons are not planned ones after all, None where they are."""

    plan: Plan
    sha256: str
    broken: str | None = None


def load_plan(path: Path) -> tuple[Plan, str]:
    """Return a plan and the text of its file.

    Raises:
        UsageError: it cannot be read, or is no plan; names the key.
    """
    plan = parse_model(Plan, load_yaml(path), str(path))
    if len({hypothesis.name for hypothesis in plan.hypotheses}) < len(plan.hypotheses):
        raise UsageError("two hypotheses have the same name", str(path), "Name each one differently")
    return plan, path.read_text(encoding="utf-8")


def require_fit(
    plan: Plan, grid: Mapping[str, Any], checkpoints: Sequence[str], settings: Sequence[Setting], where: str
) -> None:
    """Refuse a plan that is for another experiment than the one asked for.

    Args:
        grid: the resolved grid as plain data.
        checkpoints: names of the checkpoints that are played.
        settings: those of the cells.

    Raises:
        UsageError: says the first thing that does not fit.
    """
    for key, planned in (("name", plan.grid), ("seeds", plan.seeds)):
        if grid[key] != planned:
            field = "grid" if key == "name" else key
            raise UsageError(
                f"plans {field} {planned}, the run has {grid[key]}", where, f"Run it with --{field} {planned}"
            )
    for hypothesis in plan.hypotheses:
        for name in (hypothesis.base, hypothesis.checkpoint):
            if name not in checkpoints:
                raise UsageError(
                    f"hypothesis '{hypothesis.name}': '{name}' is not played", where, suggestion(name, checkpoints)
                )
        if hypothesis.base == hypothesis.checkpoint:
            raise UsageError(f"hypothesis '{hypothesis.name}' compares '{hypothesis.base}' with itself", where)
        if not any(hypothesis.where.includes(setting) for setting in settings):
            raise UsageError(
                f"hypothesis '{hypothesis.name}': no setting of the grid is like that", where, "Change its `where`"
            )
        if hypothesis.measure != "first_round" and grid.get("rounds") == 1:
            raise UsageError(f"hypothesis '{hypothesis.name}' needs two rounds or more", where, "Give --rounds 2")


def cell_setting(cell: CellSpec) -> Setting:
    """Return what a cell will be played with, as its results will say it."""
    told: dict[str, Any] = {name: cell.setting[name] for name in Setting._fields if name in cell.setting}
    missing: dict[str, Any] = {"threshold": None, "incentive_ratio": None}
    own = {"checkpoint": cell.checkpoint, "checkpoint_kind": cell.checkpoint_kind, "paradigm": cell.paradigm}
    own["network"] = str(cell.episodes[0].network)
    return Setting(**missing | told | own, n_agents=cell.n_agents)


def record_of(text: str, grid: Mapping[str, Any], cell_ids: Sequence[str]) -> PlanRecord:
    """Return what `run.json` keeps of a plan; its `sha256` is what `sha256sum` says of the file."""
    return PlanRecord(sha256=_digest(text), text=text, experiment_sha256=_experiment(grid, cell_ids))


def plan_of(manifest: Mapping[str, Any], finished: Sequence[str]) -> CheckedPlan | None:
    """Return the plan of a run, None where it was started without one.

    Args:
        manifest: the contents of `run.json`.
        finished: ids of the cells that have results.

    Raises:
        UsageError: the record is no plan any more.
    """
    if (kept := manifest.get("plan")) is None:
        return None
    record = parse_model(PlanRecord, kept, "run.json: plan")
    try:
        data = parse_yaml(record.text)
    except yaml.YAMLError as error:
        raise UsageError("the plan is not YAML any more", "run.json: plan", "Restore run.json from a copy") from error
    plan = parse_model(Plan, data, "run.json: plan")
    return CheckedPlan(plan=plan, sha256=record.sha256, broken=_broken(record, plan, manifest, finished))


def _broken(record: PlanRecord, plan: Plan, manifest: Mapping[str, Any], finished: Sequence[str]) -> str | None:
    grid, cell_ids = manifest.get("grid") or {}, manifest.get("cell_ids") or []
    if _digest(record.text) != record.sha256:
        return "the plan in run.json is not the one the run started with (its SHA-256 differs)"
    if _experiment(grid, cell_ids) != record.experiment_sha256:
        return "the grid in run.json is not the one the plan was made for (its SHA-256 differs)"
    if (grid.get("name"), grid.get("seeds")) != (plan.grid, plan.seeds):
        return "the plan is for another grid"
    if strange := set(finished) - set(cell_ids):
        return f"there are results of cells that were not planned ({min(strange)})"
    if missing := set(cell_ids) - set(finished):
        return f"{len(missing)} of {len(cell_ids)} cells are not finished, and the plan tests once when all are"
    return None


def _experiment(grid: Mapping[str, Any], cell_ids: Sequence[str]) -> str:
    # A cell's id holds a hash of all its episodes: scenarios, numbers, checkpoints with their weights, sampling, seeds.
    return _digest(json.dumps({"grid": grid, "cell_ids": sorted(cell_ids)}, sort_keys=True, ensure_ascii=False))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
