"""What comes of a request for a game, or for a grid of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atp_ray.checkpoint.profiles import Profile
from atp_ray.config_files import parse_model
from atp_ray.errors import UsageError
from atp_ray.networks.edge_files import opened
from atp_ray.paradigms.cell_names import Way, make_episode
from atp_ray.paradigms.design import Change, Design, SettingColumns
from atp_ray.paradigms.games.cells import game_cells, setting_columns
from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.request import ChangeNumbers, GameGrid, GameRequest, colluders_needed
from atp_ray.paradigms.games.scenario_files import load_games
from atp_ray.paradigms.games.scenarios import GameNumbers, GameScenario, ImportedGame
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import EpisodeRequest
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.scenario import Numbers

NUMBERS = {"n_agents", "threshold", "high", "medium", "low", "rule", "revision"}  # what an imported question may fix


class GameDesign(Design):
    """Coordination games."""

    name = "games"
    request_model = GameRequest
    grid_model = GameGrid
    change_models = (ChangeNumbers,)
    evaluation_grid = "figure3"
    paper_grid = "paper_figure3"

    def scenario(self, name: str) -> GameScenario | ImportedGame:
        """Return a game by its name, the path of its YAML file, or `upstream:FILE` (the first of that file)."""
        return load_games(name)[0]

    def episode(self, request: EpisodeRequest, seats: Sequence[SeatGroup]) -> EpisodeSpec:
        """Return the game that was asked for."""
        assert isinstance(request, GameRequest)
        scenario = self.scenario(request.scenario)
        fixed = scenario.fixed if isinstance(scenario, ImportedGame) else None
        if fixed is not None and (given := sorted(NUMBERS & request.model_fields_set)):
            raise UsageError(f"the scenario fixes its own {given[0]}", request.scenario, "Leave it out")
        if fixed is not None and len(seats) == 1:
            seats = [seats[0].model_copy(update={"count": fixed.n_agents})]
        n = sum(group.count for group in seats)
        rewards = {"high": request.high, "medium": request.medium, "low": request.low}
        numbers = {
            "n_agents": n,
            "threshold": colluders_needed(0.5 if request.threshold is None else request.threshold, n),
            "payoffs": parse_model(Payoffs, rewards, "rewards"),
            "rule": request.rule,
            "revision": request.revision,
        }
        parsed = fixed or parse_model(GameNumbers, numbers, request.scenario)
        way = Way(opened(request.network), request.placement)
        seats = way.placed(tuple(seats), request.seed, "placement")
        return make_episode(request, scenario, parsed, seats, request.seed, request.scenario, way.network)

    def cells(self, grid: Grid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
        """Return the cells in the order of the axes."""
        assert isinstance(grid, GameGrid)
        return game_cells(grid, profiles)

    def changed(self, numbers: Numbers, change: Change) -> dict[str, object]:
        """Return the numbers with another threshold or other rewards."""
        assert isinstance(numbers, GameNumbers)
        assert isinstance(change, ChangeNumbers)
        rewards = change.model_dump(include={"high", "medium", "low"}, exclude_none=True)
        payoffs = parse_model(Payoffs, numbers.payoffs.model_dump() | rewards, "rewards")
        threshold = numbers.threshold if change.threshold is None else change.threshold
        return numbers.model_dump() | {"threshold": threshold, "payoffs": payoffs.model_dump()}

    def setting(self, numbers: Numbers) -> SettingColumns:
        """Return threshold, rewards, incentive ratio; revision unless it is 1."""
        assert isinstance(numbers, GameNumbers)
        return setting_columns(numbers)


DESIGN = GameDesign()
