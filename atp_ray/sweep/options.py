"""The options of `sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from actors.failure_policy import FailurePolicy
from atp_ray.cli.options import AgentOptions, Checkpoints, Count, FolderPlace, KeyValues, Shown
from atp_ray.cli.trackers import TrackerNames
from atp_ray.config_files import config_names
from atp_ray.sandbox.isolation import Isolation

LIMITS = "costs and limits"


def grid_names() -> list[str]:
    """Return the names that --grid takes."""
    return config_names("grids")


class SweepOptions(AgentOptions):
    """Play a grid of settings and plot the results."""

    grid: Annotated[str | None, Shown("GRID", names=grid_names)] = Field(
        None, description="path of a YAML file, or the name of a grid"
    )
    checkpoint: Checkpoints = Field((), description="checkpoint to play, repeat for several; the grid's if not given")
    population: Annotated[str | None, Shown("NAME:COUNT,...")] = Field(
        None, description="seats for different checkpoints (games)"
    )
    scenarios: Annotated[str | None, Shown("NAMES")] = Field(
        None, description="all, names separated by commas, or upstream:FILE"
    )
    n_agents: Count | None = Field(None, description="agents per game (games)")
    rounds: Count | None = Field(None, description="rounds per episode")
    seeds: Count | None = Field(None, description="repetitions of every episode")
    set: KeyValues = Field(
        (),
        description="change any key of the grid, or engine.KEY, deployment.KEY or price.KEY of every checkpoint; "
        "repeat for several",
    )
    out: FolderPlace | None = Field(
        None, description="run folder, or s3://BUCKET/RUN, gs://BUCKET/RUN; a new one under runs/ if not given"
    )
    plan: Annotated[Path | None, Shown("FILE")] = Field(
        None, description="YAML file with what will be compared, kept in run.json before the first decision"
    )
    resume: bool = Field(False, description="resume the run in --out; only what is missing is played")
    dry_run: bool = Field(False, description="print what would be played, and stop")
    track: TrackerNames = Field(
        (), description="also send results there while it plays; repeat for both; a resumed run keeps its own"
    )
    sandbox: Isolation | None = Field(
        None,
        description="isolation of Python written by models (tool usage); none runs it with your own rights; "
        "a resumed run keeps its own, another is isolated if not given",
    )
    max_cost: Annotated[float | None, Field(gt=0), Shown("DOLLARS", LIMITS)] = Field(
        None, description="stop between rounds before the run costs more"
    )
    max_tokens_total: Annotated[int | None, Field(ge=1), Shown("N", LIMITS)] = Field(
        None, description="stop between rounds before all prompts and replies have more tokens"
    )
    max_hours: Annotated[float | None, Field(gt=0), Shown("H", LIMITS)] = Field(
        None, description="stop between rounds after so long, earlier parts of the run included"
    )
    gpu_hour_price: Annotated[float | None, Field(ge=0), Shown("DOLLARS", LIMITS)] = Field(
        None, description="what an hour of one GPU of your own costs; a resumed run keeps its own if not given"
    )
    cells_at_once: Count | None = Field(
        None, description="cells in play together; as many as keep the engines busy if not given"
    )
    turn_timeout: Annotated[float, Field(gt=0), Shown("SECONDS")] = Field(
        FailurePolicy().turn_timeout_s, description="seconds that a reply may take once the engine has begun it"
    )
