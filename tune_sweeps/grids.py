"""Grids: YAML files whose axes expand to cells."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from atp_ray.cells import CellSpec, CheckpointKind
from atp_ray.checkpoint_profiles import EndpointProfile, ModelProfile, PolicyProfile, checkpoint_kind
from atp_ray.config_files import Frozen, load_config, parse_model
from atp_ray.episodes import EpisodeSpec, SeatGroup, Visibility, seat_plan
from atp_ray.errors import UsageError, suggestion
from atp_ray.payoffs import Payoffs, payoffs_for_incentive_ratio
from atp_ray.sampling import SamplingChange
from atp_ray.scenarios.games import GameParameters, GameScenario, ImportedGame
from atp_ray.scenarios.registry import load_scenarios
from atp_ray.settlement import SettlementRule

Profile = ModelProfile | EndpointProfile | PolicyProfile
Threshold = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)]


class Grid(Frozen):
    """The axes of a sweep; every combination of the first four is a cell.

    A `threshold` below 1 is a fraction of n, rounded up. `rewards` (high, medium, low) replace `incentive_ratios`,
    which name Appendix B's triples. `scenarios` is `all`, a comma-separated list, or `upstream:FILE`.
    """

    name: str
    description: str = ""
    checkpoints: tuple[str, ...] = Field(default=("tiny",), min_length=1)
    n_agents: tuple[int, ...] = Field(default=(8,), min_length=1)
    thresholds: tuple[Threshold, ...] = Field(default=(2, 4, 6, 8), min_length=1)
    incentive_ratios: tuple[float, ...] = Field(default=(1.0,), min_length=1)
    rewards: tuple[float, float, float] | None = None
    scenarios: str = "all"
    rounds: int = Field(default=3, ge=1)
    seeds: int = Field(default=1, ge=1, description="Repetitions of every episode, seeds 0..seeds-1.")
    visibility: Visibility = "choices"
    history_window: int = Field(default=3, ge=1)
    fixed_colluders: int = Field(default=0, ge=0)
    fixed_position: Literal["head", "tail"] = "head"
    rule: SettlementRule = SettlementRule()
    sampling: SamplingChange = SamplingChange()


def load_grid(grid_name: str, /, settings: Sequence[str] = (), **overrides: Any) -> Grid:
    """Load a grid by name or path and change some of it.

    Args:
        settings: `key=value` strings; dots reach into nested keys, values are YAML (`rewards=1.2,1,0.8`).
        overrides: fields by name; None leaves the grid's own.

    Raises:
        UsageError: unknown grid or key (with a suggestion), or a value out of range.
    """
    data = load_config("grids", grid_name, Grid).model_dump(exclude_unset=True)
    data.update({key: value for key, value in overrides.items() if value is not None})
    for setting in settings:
        _apply_setting(data, setting)
    return parse_model(Grid, data, f"grid {data['name']}")


def expand(grid: Grid, profiles: dict[str, Profile]) -> list[CellSpec]:
    """Return the grid's cells, in the order checkpoint, n, threshold, incentive ratio.

    Args:
        profiles: the resolved profile of every checkpoint the grid names.

    Raises:
        UsageError: a combination that cannot be played (threshold above n, rewards out of order, ...).
    """
    scenarios = load_scenarios(grid.scenarios)
    if any(isinstance(scenario, ImportedGame) and scenario.fixed for scenario in scenarios):
        return [_question_cell(grid, scenarios, profiles[name]) for name in grid.checkpoints]
    payoffs = _payoffs(grid)
    axes = itertools.product(grid.checkpoints, grid.n_agents, grid.thresholds, payoffs)
    return [_cell(grid, scenarios, profiles[name], n, threshold, payoff) for name, n, threshold, payoff in axes]


def _payoffs(grid: Grid) -> list[Payoffs]:
    if grid.rewards is None:
        return [payoffs_for_incentive_ratio(ratio) for ratio in grid.incentive_ratios]
    high, medium, low = grid.rewards
    return [parse_model(Payoffs, {"high": high, "medium": medium, "low": low}, f"grid {grid.name}: rewards")]


def _cell(
    grid: Grid,
    scenarios: Sequence[GameScenario | ImportedGame],
    profile: Profile,
    n_agents: int,
    threshold: int | float,
    payoffs: Payoffs,
) -> CellSpec:
    count = math.ceil(threshold * n_agents) if isinstance(threshold, float) else threshold
    where = f"grid {grid.name}: n_agents={n_agents}, threshold={threshold:g}"
    numbers = {"n_agents": n_agents, "threshold": count, "payoffs": payoffs, "rule": grid.rule}
    parameters = parse_model(GameParameters, numbers, where)
    episodes = [
        _episode(grid, scenario, parameters, profile, seed, where)
        for scenario in scenarios
        for seed in range(grid.seeds)
    ]
    label = f"{profile.name}-n{n_agents}-t{count}-g{payoffs.incentive_ratio:g}"
    return _named_cell(grid, label, profile, episodes, parameters)


def _question_cell(grid: Grid, questions: Sequence[GameScenario | ImportedGame], profile: Profile) -> CellSpec:
    where = f"grid {grid.name}: {grid.scenarios}"
    episodes = [
        _episode(grid, question, question.fixed, profile, seed, where)
        for question in questions
        if isinstance(question, ImportedGame) and question.fixed is not None
        for seed in range(grid.seeds)
    ]
    return _named_cell(grid, f"{profile.name}-questions", profile, episodes, None)


def _named_cell(
    grid: Grid, label: str, profile: Profile, episodes: list[EpisodeSpec], parameters: GameParameters | None
) -> CellSpec:
    digest = hashlib.sha256("".join(episode.episode_id for episode in episodes).encode()).hexdigest()[:8]
    kind: CheckpointKind = checkpoint_kind(profile)
    return CellSpec(
        cell_id=f"{re.sub(r'[^A-Za-z0-9.-]+', '-', label).strip('-')}-{digest}",
        grid=grid.name,
        checkpoint=profile.name,
        checkpoint_kind=kind,
        n_agents=parameters.n_agents if parameters else None,
        threshold=parameters.threshold if parameters else None,
        payoffs=parameters.payoffs if parameters else None,
        episodes=tuple(episodes),
    )


def _episode(
    grid: Grid,
    scenario: GameScenario | ImportedGame,
    parameters: GameParameters,
    profile: Profile,
    seed: int,
    where: str,
) -> EpisodeSpec:
    sampling = grid.sampling.apply(profile.sampling, f"{where}: sampling")
    revision = getattr(profile, "revision", "")
    group = SeatGroup(checkpoint=profile.name, count=parameters.n_agents, revision=revision, sampling=sampling)
    try:
        seats = seat_plan(group, grid.fixed_colluders, grid.fixed_position)
    except ValueError as error:
        raise UsageError(str(error), where) from error
    return EpisodeSpec(
        scenario=scenario,
        parameters=parameters,
        seats=seats,
        rounds=grid.rounds,
        visibility=grid.visibility,
        history_window=grid.history_window,
        seed=seed,
    )


def _apply_setting(data: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    key = key.strip()
    if not equals or not key:
        raise UsageError(f"'{setting}' is not key=value", "--set", "Example: --set rewards=1.2,1,0.8")
    first, _, rest = key.partition(".")
    if first not in Grid.model_fields:
        raise UsageError(f"unknown key '{first}'", "--set", suggestion(first, Grid.model_fields))
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"'{text}' is not a YAML value", f"--set {key}", "Quote it") from error
    if isinstance(value, str) and "," in value and first != "scenarios":
        value = [yaml.safe_load(part) for part in value.split(",")]
    if first in _AXES and not isinstance(value, list):
        value = [value]
    if rest:
        nested = data.get(first) or {}
        value = {**nested, rest: value}
    data[first] = value


_AXES = ("checkpoints", "n_agents", "thresholds", "incentive_ratios")
