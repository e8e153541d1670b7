"""The cells of a grid of coordination games."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from atp_ray.cells import CellSpec
from atp_ray.config_files import parse_model
from atp_ray.episodes import EpisodeSpec, seat_plan
from atp_ray.errors import UsageError
from atp_ray.payoffs import Payoffs, payoffs_for_incentive_ratio
from atp_ray.scenarios.games import GameParameters, GameScenario, ImportedGame
from atp_ray.scenarios.registry import load_games
from tune_sweeps.cell_names import Profile, named_cell, seat_group
from tune_sweeps.grids import GameGrid


def game_cells(grid: GameGrid, profiles: dict[str, Profile]) -> list[CellSpec]:
    """Return the cells in the order checkpoint, n, threshold, incentive ratio; a question list is one cell each.

    Raises:
        UsageError: threshold above n, rewards out of order, no seat left beside the fixed colluders.
    """
    scenarios = load_games(grid.scenarios)
    if any(isinstance(scenario, ImportedGame) and scenario.fixed for scenario in scenarios):
        return [_question_cell(grid, scenarios, profiles[name]) for name in grid.checkpoints]
    payoffs = _payoffs(grid)
    axes = itertools.product(grid.checkpoints, grid.n_agents, grid.thresholds, payoffs)
    return [_cell(grid, scenarios, profiles[name], n, threshold, payoff) for name, n, threshold, payoff in axes]


def _payoffs(grid: GameGrid) -> list[Payoffs]:
    if grid.rewards is None:
        return [payoffs_for_incentive_ratio(ratio) for ratio in grid.incentive_ratios]
    high, medium, low = grid.rewards
    return [parse_model(Payoffs, {"high": high, "medium": medium, "low": low}, f"grid {grid.name}: rewards")]


def _cell(
    grid: GameGrid,
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
    return named_cell(grid.name, label, profile, episodes, n_agents, count, payoffs)


def _question_cell(grid: GameGrid, questions: Sequence[GameScenario | ImportedGame], profile: Profile) -> CellSpec:
    where = f"grid {grid.name}: {grid.scenarios}"
    episodes = [
        _episode(grid, question, question.fixed, profile, seed, where)
        for question in questions
        if isinstance(question, ImportedGame) and question.fixed is not None
        for seed in range(grid.seeds)
    ]
    return named_cell(grid.name, f"{profile.name}-questions", profile, episodes)


def _episode(
    grid: GameGrid,
    scenario: GameScenario | ImportedGame,
    parameters: GameParameters,
    profile: Profile,
    seed: int,
    where: str,
) -> EpisodeSpec:
    group = seat_group(profile, parameters.n_agents, grid.sampling, where)
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
