"""The cells of a tool-usage grid: one episode, and one agent with its own problems, for each agent and seed."""

from __future__ import annotations

from atp_ray.cells import CellSpec
from atp_ray.checkpoint_profiles import Profile, checkpoint_kind
from atp_ray.episodes import EpisodeSpec
from atp_ray.errors import UsageError
from atp_ray.problem_pools.pools import deal_problems, load_pools
from atp_ray.scenarios.registry import load_tool_scenario
from atp_ray.scenarios.tool_usage import RoundProblems, ToolParameters
from tune_sweeps.cell_names import named_cell, seat_group
from tune_sweeps.grids import ToolUsageGrid


def tool_usage_cells(grid: ToolUsageGrid, profiles: dict[str, Profile]) -> list[CellSpec]:
    """Return one cell per checkpoint; all checkpoints get the same problems.

    Raises:
        UsageError: the pool cannot be read or is too small, or a policy without a language model is asked to solve.
    """
    scenario = load_tool_scenario(grid.scenarios)
    pools = load_pools(grid.pool)
    cells = []
    for name in grid.checkpoints:
        profile = profiles[name]
        if profile.kind == "policy":
            raise UsageError("has no language model and cannot solve problems", name, "Use tiny or a real checkpoint")
        group = seat_group(profile, 1, grid.sampling, f"grid {grid.name}")
        episodes = [
            EpisodeSpec(
                scenario=scenario,
                parameters=_parameters(grid, rounds),
                seats=(group,),
                rounds=grid.rounds,
                history_window=grid.history_window,
                seed=seed,
            )
            for seed in range(grid.seeds)
            for rounds in deal_problems(pools, grid.agents, grid.rounds, grid.simple_problems, seed)
        ]
        label = f"{profile.name}-{scenario.name}"
        cells.append(named_cell(grid.name, label, profile.name, checkpoint_kind(profile), episodes, n_agents=1))
    return cells


def _parameters(grid: ToolUsageGrid, rounds: tuple[RoundProblems, ...]) -> ToolParameters:
    return ToolParameters(
        tool_cost=grid.tool_cost, direct_cost=grid.direct_cost, most_calls=grid.most_calls, problems=rounds
    )
