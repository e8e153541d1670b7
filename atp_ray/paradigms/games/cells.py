"""The cells of a grid of coordination games."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from atp_ray.checkpoint.populations import parse_population, population_kind
from atp_ray.checkpoint.profiles import Profile, checkpoint_kind
from atp_ray.config_files import parse_model
from atp_ray.errors import UsageError
from atp_ray.networks.edge_files import opened
from atp_ray.paradigms.cell_names import Way, make_episode, named_cell, seat_group, ways_of
from atp_ray.paradigms.games.payoffs import Payoffs, payoffs_for_incentive_ratio
from atp_ray.paradigms.games.request import GameGrid, colluders_needed
from atp_ray.paradigms.games.scenario_files import load_games
from atp_ray.paradigms.games.scenarios import GameNumbers, GameScenario, ImportedGame
from atp_ray.play.cells import CellSpec, CheckpointKind
from atp_ray.play.episodes import SeatGroup, seat_plan


class _Players(NamedTuple):
    """Who plays a cell: its label, what results are about, and the checkpoints with their seats (None: all seats)."""

    label: str
    kind: CheckpointKind
    parts: tuple[tuple[Profile, int | None], ...]


def game_cells(grid: GameGrid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
    """Return the cells in the order of the axes; a question list is one cell for each checkpoint.

    Raises:
        UsageError: threshold above n, rewards out of order, no seat left beside the fixed colluders, a network that so
            many agents cannot form.
    """
    scenarios = load_games(grid.scenarios)
    players = _players(grid, profiles)
    if any(isinstance(scenario, ImportedGame) and scenario.fixed for scenario in scenarios):
        _require_plain(grid)
        return [_question_cell(grid, scenarios, who) for who in players]
    sizes = grid.n_agents if grid.population is None else (sum(count or 0 for _, count in players[0].parts),)
    ways = ways_of([opened(network) for network in grid.network], grid.placement)
    axes = itertools.product(players, sizes, grid.thresholds, _payoffs(grid), ways)
    return [_cell(grid, scenarios, *values) for values in axes]


def _players(grid: GameGrid, profiles: Mapping[str, Profile]) -> list[_Players]:
    if grid.population is None:
        chosen = [profiles[name] for name in grid.checkpoints]
        return [_Players(profile.name, checkpoint_kind(profile), ((profile, None),)) for profile in chosen]
    if grid.fixed_colluders:
        hint = "Write them into the population: policy:collude:2"
        raise UsageError("fixed_colluders does not go with a population", f"grid {grid.name}", hint)
    parts = parse_population(grid.population)
    seated = tuple((profiles[part.checkpoint], part.seats) for part in parts)
    label = ",".join(f"{profile.name}:{count}" for profile, count in seated)
    return [_Players(label, population_kind([profile for profile, _ in seated]), seated)]


def _payoffs(grid: GameGrid) -> list[Payoffs]:
    if grid.rewards is None:
        return [payoffs_for_incentive_ratio(ratio) for ratio in grid.incentive_ratios]
    high, medium, low = grid.rewards
    return [parse_model(Payoffs, {"high": high, "medium": medium, "low": low}, f"grid {grid.name}: rewards")]


def _cell(
    grid: GameGrid,
    scenarios: Sequence[GameScenario | ImportedGame],
    players: _Players,
    n_agents: int,
    threshold: int | float,
    payoffs: Payoffs,
    way: Way,
) -> CellSpec:
    count = colluders_needed(threshold, n_agents)
    where = f"grid {grid.name}: n_agents={n_agents}, threshold={threshold:g}"
    numbers = {"n_agents": n_agents, "threshold": count, "payoffs": payoffs}
    numbers |= {"rule": grid.rule, "revision": grid.revision}
    parameters = parse_model(GameNumbers, numbers, where)
    listed = _seats(grid, players, n_agents, where)
    seats_S = [way.placed(listed, seed, where) for seed in range(grid.seeds)]
    episodes = [
        make_episode(grid, scenario, parameters, seats, seed, where, way.network)
        for scenario in scenarios
        for seed, seats in enumerate(seats_S)
    ]
    label = f"{players.label}-n{n_agents}-t{count}-g{payoffs.incentive_ratio:g}{way.label}"
    setting = {**setting_columns(parameters), "placement": way.placement}
    return named_cell(grid.name, label, players.label, players.kind, episodes, n_agents, setting)


def _question_cell(grid: GameGrid, questions: Sequence[GameScenario | ImportedGame], players: _Players) -> CellSpec:
    where = f"grid {grid.name}: {grid.scenarios}"
    episodes = [
        make_episode(grid, question, question.fixed, seats, seed, where)
        for question in questions
        if isinstance(question, ImportedGame) and question.fixed is not None
        for seats in [_seats(grid, players, question.fixed.n_agents, where)]
        for seed in range(grid.seeds)
    ]
    return named_cell(grid.name, f"{players.label}-questions", players.label, players.kind, episodes)


def _seats(grid: GameGrid, players: _Players, n_agents: int, where: str) -> tuple[SeatGroup, ...]:
    groups = tuple(seat_group(profile, count or n_agents, grid.sampling, where) for profile, count in players.parts)
    if len(groups) > 1:
        return groups
    try:
        return seat_plan(groups[0], grid.fixed_colluders, grid.fixed_position)
    except ValueError as error:
        raise UsageError(str(error), where) from error


def _require_plain(grid: GameGrid) -> None:
    """Refuse what a list of questions, which fixes its own numbers, cannot be played with."""
    for name in ("network", "placement", "revision"):
        if getattr(grid, name) != GameGrid.model_fields[name].default:
            raise UsageError(f"{name} does not go with a list of questions", f"grid {grid.name}", "Leave it out")


def setting_columns(numbers: GameNumbers) -> dict[str, float | int | str | None]:
    """Return the result columns of a game's numbers: threshold, rewards, incentive ratio; revision unless it is 1."""
    payoffs = numbers.payoffs
    columns = {"threshold": numbers.threshold, **payoffs.model_dump(), "incentive_ratio": payoffs.incentive_ratio}
    return columns if numbers.revision == 1 else columns | {"revision": numbers.revision}
