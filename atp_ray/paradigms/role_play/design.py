"""What comes of a request for a role-play, or for a grid of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import UsageError
from atp_ray.paradigms.design import Change, Design, SettingColumns
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import EpisodeRequest
from atp_ray.paradigms.role_play.cells import role_play_cells, role_play_episode, setting_columns
from atp_ray.paradigms.role_play.prompt_sets import role_play_prompts
from atp_ray.paradigms.role_play.request import ChangeSupervision, RolePlayGrid, RolePlayRequest
from atp_ray.paradigms.role_play.scenario_files import load_role_play
from atp_ray.paradigms.role_play.scenarios import RolePlayNumbers, RolePlayScenario, role_play_of
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.scenario import Numbers


class RolePlayDesign(Design):
    """Role-play."""

    name = "role_play"
    request_model = RolePlayRequest
    grid_model = RolePlayGrid
    change_models = (ChangeSupervision,)
    evaluation_grid = "table1"
    paper_grid = "paper_table1"

    def scenario(self, name: str) -> RolePlayScenario:
        """Return a role-play by its name or the path of its YAML file."""
        return load_role_play(name)

    def episode(self, request: EpisodeRequest, seats: Sequence[SeatGroup]) -> EpisodeSpec:
        """Return the role-play that was asked for."""
        assert isinstance(request, RolePlayRequest)
        if sum(group.count for group in seats) != 1:
            raise UsageError("a role-play has one agent", "n_agents", "Give n_agents 1")
        prompt = role_play_prompts([self.scenario(request.scenario)], "test", request.incomes)[0]
        low = prompt.low if request.low is None else request.low
        high = prompt.high if request.high is None else request.high
        chosen = prompt._replace(low=low, high=high)
        return role_play_episode(request, chosen, request.supervision, seats, request.seed)

    def cells(self, grid: Grid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
        """Return the cells in the order checkpoint, supervision pattern."""
        assert isinstance(grid, RolePlayGrid)
        return role_play_cells(grid, profiles)

    def changed(self, numbers: Numbers, change: Change) -> dict[str, object]:
        """Return the numbers with another supervision pattern."""
        assert isinstance(change, ChangeSupervision)
        return numbers.model_dump() | {"supervision": change.supervision}

    def setting(self, numbers: Numbers) -> SettingColumns:
        """Return incomes and supervision pattern."""
        assert isinstance(numbers, RolePlayNumbers)
        return setting_columns(numbers)

    def unit(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the prompt: scenario and incomes."""
        del round_number
        numbers = role_play_of(spec).numbers
        return f"{spec.scenario.name}/{numbers.low:g}/{numbers.high:g}"


DESIGN = RolePlayDesign()
