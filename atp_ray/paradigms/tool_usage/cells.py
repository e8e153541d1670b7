"""The cells of a tool-usage grid: one episode, and one agent with its own problems, for each agent and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atp_ray.checkpoint.profiles import Profile, checkpoint_kind
from atp_ray.config_files import parse_model
from atp_ray.paradigms.cell_names import make_episode, named_cell, seat_group
from atp_ray.paradigms.tool_usage.problem_pools.pools import deal_problems, load_pools
from atp_ray.paradigms.tool_usage.request import ToolUsageGrid, ToolUsageSettings
from atp_ray.paradigms.tool_usage.scenario_files import load_tool_scenario
from atp_ray.paradigms.tool_usage.scenarios import RoundProblems, ToolNumbers, ToolScenario
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup


def tool_usage_cells(grid: ToolUsageGrid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
    """Return one cell per checkpoint; all checkpoints get the same problems.

    Raises:
        UsageError: the pool cannot be read or is too small.
    """
    scenario = load_tool_scenario(grid.scenarios)
    pools = load_pools(grid.pool)
    cells = []
    for name in grid.checkpoints:
        profile = profiles[name]
        group = seat_group(profile, 1, grid.sampling, f"grid {grid.name}")
        episodes = [
            tool_usage_episode(grid, scenario, rounds, (group,), seed)
            for seed in range(grid.seeds)
            for rounds in deal_problems(pools, grid.agents, grid.rounds, grid.simple_problems, seed)
        ]
        label = f"{profile.name}-{scenario.name}"
        cells.append(named_cell(grid.name, label, profile.name, checkpoint_kind(profile), episodes, n_agents=1))
    return cells


def tool_usage_episode(
    settings: ToolUsageSettings,
    scenario: ToolScenario,
    problems: Sequence[RoundProblems],
    seats: Sequence[SeatGroup],
    seed: int,
) -> EpisodeSpec:
    """Return one agent with the problems of its rounds.

    Raises:
        UsageError: the parts do not go together.
    """
    numbers = {
        "tool_cost": settings.tool_cost,
        "direct_cost": settings.direct_cost,
        "most_calls": settings.most_calls,
        "problems": tuple(problems),
    }
    parsed = parse_model(ToolNumbers, numbers, scenario.name)
    return make_episode(settings, scenario, parsed, seats, seed, scenario.name)
