"""What comes of a request for problems to one agent, or for a grid of agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import UsageError
from atp_ray.paradigms.design import Change, Design, SettingColumns
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import EpisodeRequest
from atp_ray.paradigms.tool_usage.cells import tool_usage_cells, tool_usage_episode
from atp_ray.paradigms.tool_usage.problem_pools.pools import deal_problems, load_pools
from atp_ray.paradigms.tool_usage.request import ChangeCosts, ToolUsageGrid, ToolUsageRequest
from atp_ray.paradigms.tool_usage.scenario_files import load_tool_scenario
from atp_ray.paradigms.tool_usage.scenarios import ToolNumbers, ToolScenario, tool_usage_of
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.scenario import Numbers


class ToolUsageDesign(Design):
    """Tool usage."""

    name = "tool_usage"
    request_model = ToolUsageRequest
    grid_model = ToolUsageGrid
    change_models = (ChangeCosts,)
    evaluation_grid = "table2"
    paper_grid = "paper_table2"

    def scenario(self, name: str) -> ToolScenario:
        """Return a scenario by its name or the path of its YAML file."""
        return load_tool_scenario(name)

    def episode(self, request: EpisodeRequest, seats: Sequence[SeatGroup]) -> EpisodeSpec:
        """Return one agent's problems; another seed deals others."""
        assert isinstance(request, ToolUsageRequest)
        if sum(group.count for group in seats) != 1:
            raise UsageError("problems are solved by one agent", "n_agents", "Give n_agents 1")
        pools = load_pools(request.pool)
        (problems,) = deal_problems(pools, 1, request.rounds, request.simple_problems, request.seed)
        return tool_usage_episode(request, self.scenario(request.scenario), problems, seats, request.seed)

    def cells(self, grid: Grid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
        """Return one cell per checkpoint."""
        assert isinstance(grid, ToolUsageGrid)
        return tool_usage_cells(grid, profiles)

    def require_player(self, checkpoint: str) -> None:
        """Refuse a policy, which can solve no problem."""
        if checkpoint.startswith("policy:"):
            hint = "Use tiny or a real checkpoint"
            raise UsageError("has no language model and cannot solve problems", checkpoint, hint)

    def changed(self, numbers: Numbers, change: Change) -> dict[str, object]:
        """Return the numbers with other costs."""
        assert isinstance(change, ChangeCosts)
        return numbers.model_dump() | change.model_dump(include={"tool_cost", "direct_cost"}, exclude_none=True)

    def setting(self, numbers: Numbers) -> SettingColumns:
        """Return the costs; result tables have no columns for them."""
        assert isinstance(numbers, ToolNumbers)
        return {"tool_cost": numbers.tool_cost, "direct_cost": numbers.direct_cost}

    def unit(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the round's complex problem, the one that is evaluated; another seed may deal it to another agent."""
        return tool_usage_of(spec).numbers.problems[round_number - 1].complex[0].problem_id


DESIGN = ToolUsageDesign()
