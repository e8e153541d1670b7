"""Grids: YAML files whose axes expand to cells; one model for each paradigm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from atp_ray.config_files import Frozen, config_path, configs_dir, load_yaml, parse_model, parse_setting
from atp_ray.episodes import Visibility
from atp_ray.errors import UsageError, suggestion
from atp_ray.paradigms import Paradigm
from atp_ray.problem_pools.pools import EMBEDDED
from atp_ray.sampling import SamplingChange
from atp_ray.scenarios.role_play import Notice
from atp_ray.scenarios.supervision import SupervisionPattern
from atp_ray.settlement import SettlementRule
from tune_sweeps.populations import parse_population

Threshold = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)]


class CommonGrid(Frozen):
    """What every grid has. `checkpoints` is an axis: each one is played in cells of its own."""

    name: str
    description: str = ""
    checkpoints: tuple[str, ...] = Field(default=("tiny",), min_length=1)
    scenarios: str = "all"
    seeds: int = Field(default=1, ge=1, description="Repetitions of every episode, seeds 0..seeds-1.")
    sampling: SamplingChange = SamplingChange()


class GameGrid(CommonGrid):
    """The axes of a sweep over coordination games; every combination of the first four is a cell.

    A `threshold` below 1 is a fraction of n, rounded up. `rewards` (high, medium, low) replace `incentive_ratios`,
    which name Appendix B's triples. `scenarios` is `all`, a comma-separated list, or `upstream:FILE`. `population`
    (`NAME:COUNT,NAME:COUNT`) replaces `checkpoints` and `n_agents`: the seats of one game go to different checkpoints.
    """

    paradigm: Literal["games"] = "games"
    population: str | None = None
    n_agents: tuple[int, ...] = Field(default=(8,), min_length=1)
    thresholds: tuple[Threshold, ...] = Field(default=(2, 4, 6, 8), min_length=1)
    incentive_ratios: tuple[float, ...] = Field(default=(1.0,), min_length=1)
    rewards: tuple[float, float, float] | None = None
    rounds: int = Field(default=3, ge=1)
    visibility: Visibility = "choices"
    history_window: int = Field(default=3, ge=1)
    fixed_colluders: int = Field(default=0, ge=0)
    fixed_position: Literal["head", "tail"] = "head"
    rule: SettlementRule = SettlementRule()


class RolePlayGrid(CommonGrid):
    """The axes of a role-play sweep: checkpoint and supervision pattern; every prompt is an agent.

    `split` chooses the prompts: 64 to `test` with (the paper's evaluation), 160 to `train` on, or `all`. `scenarios` is
    as in the games; an imported question list brings its own prompts.
    """

    paradigm: Literal["role_play"]
    split: Literal["test", "train", "all"] = "test"
    supervision: tuple[SupervisionPattern, ...] = Field(default=("all_unsupervised",), min_length=1)
    notice: Notice = "neutral"
    rounds: int = Field(default=6, ge=1)
    history_window: int = Field(default=5, ge=1)


class ToolUsageGrid(CommonGrid):
    """A tool-usage sweep: `agents` agents, each with problems of its own in every round.

    `pool` is `embedded` (the project's own problems), `paper` (GSM8K and OpenThoughts from the hub), or a folder with
    `simple.jsonl` and `complex.jsonl`. Costs in units per problem.
    """

    paradigm: Literal["tool_usage"]
    scenarios: str = "maths"
    agents: int = Field(default=24, ge=1)
    simple_problems: int = Field(default=1, ge=0, description="For experience, per agent and round.")
    pool: str = EMBEDDED
    tool_cost: float = Field(default=3.0, ge=0)
    direct_cost: float = Field(default=1.0, ge=0)
    most_calls: int = Field(default=3, ge=1, le=20, description="Tool calls allowed per problem.")
    rounds: int = Field(default=4, ge=1)
    history_window: int = Field(default=4, ge=1)


Grid = GameGrid | RolePlayGrid | ToolUsageGrid
_MODELS: dict[Paradigm, type[GameGrid] | type[RolePlayGrid] | type[ToolUsageGrid]] = {
    "games": GameGrid,
    "role_play": RolePlayGrid,
    "tool_usage": ToolUsageGrid,
}
_AXES = ("checkpoints", "n_agents", "thresholds", "incentive_ratios", "supervision")


def checkpoint_names(grid: Grid) -> list[str]:
    """Return every checkpoint the grid needs.

    Raises:
        UsageError: the population is not well formed.
    """
    if isinstance(grid, GameGrid) and grid.population is not None:
        return list(dict.fromkeys(part.checkpoint for part in parse_population(grid.population)))
    return list(grid.checkpoints)


def parse_grid(data: Any, where: str) -> Grid:
    """Validate `data` as the grid of its paradigm (games, unless it says otherwise).

    Raises:
        UsageError: unknown paradigm or key, or a value out of range; names the key.
    """
    paradigm = data.get("paradigm", "games") if isinstance(data, dict) else "games"
    if paradigm not in _MODELS:
        raise UsageError(f"unknown paradigm '{paradigm}'", where, suggestion(str(paradigm), list(_MODELS)))
    return parse_model(_MODELS[paradigm], data, where)


def load_grid(grid_name: str, /, settings: Sequence[str] = (), **overrides: Any) -> Grid:
    """Load a grid by name or path and change some of it.

    Args:
        settings: `key=value` strings; dots reach into nested keys, values are YAML (`rewards=1.2,1,0.8`).
        overrides: fields by name; None leaves the grid's own.

    Raises:
        UsageError: unknown grid or key (with a suggestion), or a value out of range.
    """
    path = config_path("grids", grid_name)
    grid = parse_grid(load_yaml(path), str(path))
    data = grid.model_dump(exclude_unset=True)
    data.update({key: value for key, value in overrides.items() if value is not None})
    for setting in settings:
        _apply_setting(data, setting, type(grid))
    return parse_grid(data, f"grid {data['name']}")


def load_game_grid(grid_name: str, /, settings: Sequence[str] = (), **overrides: Any) -> GameGrid:
    """Load a grid of games, as `load_grid`.

    Raises:
        UsageError: as `load_grid`, or the grid is of another paradigm.
    """
    grid = load_grid(grid_name, settings, **overrides)
    if not isinstance(grid, GameGrid):
        raise UsageError(f"grid {grid.name} is of paradigm {grid.paradigm}, not games", str(configs_dir() / "grids"))
    return grid


def _apply_setting(data: dict[str, Any], text: str, model: type[Frozen]) -> None:
    setting = parse_setting(text, model)
    value = setting.value
    if isinstance(value, str) and "," in value and setting.key not in ("scenarios", "population"):
        value = [yaml.safe_load(part) for part in value.split(",")]
    if setting.key in _AXES and not isinstance(value, list):
        value = [value]
    setting._replace(value=value).put(data)
