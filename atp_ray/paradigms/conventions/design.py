"""What comes of a request for a naming game, or for a grid of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atp_ray.checkpoint.profiles import Profile
from atp_ray.networks.edge_files import opened
from atp_ray.paradigms.cell_names import Way, make_episode
from atp_ray.paradigms.conventions.cells import naming_cells, numbers_of, request_seats, setting_columns
from atp_ray.paradigms.conventions.request import ChangePoints, ConventionGrid, ConventionRequest
from atp_ray.paradigms.conventions.scenario_files import load_naming_game
from atp_ray.paradigms.conventions.scenarios import ConventionNumbers, NamingGame
from atp_ray.paradigms.design import Change, Design, SettingColumns
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import EpisodeRequest
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.scenario import Numbers


class ConventionDesign(Design):
    """Naming games."""

    name = "conventions"
    request_model = ConventionRequest
    grid_model = ConventionGrid
    change_models = (ChangePoints,)
    evaluation_grid = "conventions"

    def scenario(self, name: str) -> NamingGame:
        """Return a naming game by its name or the path of its YAML file."""
        return load_naming_game(name)

    def episode(self, request: EpisodeRequest, seats: Sequence[SeatGroup]) -> EpisodeSpec:
        """Return the naming game that was asked for."""
        assert isinstance(request, ConventionRequest)
        game, where = self.scenario(request.scenario), request.scenario
        seated = request_seats(request, seats)
        n_agents = sum(group.count for group in seated)
        numbers = numbers_of(request, game, n_agents, request.n_names, request.pairing, where)
        way = Way(opened(request.network), request.placement)
        seated = way.placed(tuple(seated), request.seed, "placement")
        return make_episode(request, game.filled(numbers), numbers, seated, request.seed, where, way.network)

    def cells(self, grid: Grid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
        """Return the cells in the order checkpoint, n, committed, names, pairing."""
        assert isinstance(grid, ConventionGrid)
        return naming_cells(grid, profiles)

    def changed(self, numbers: Numbers, change: Change) -> dict[str, object]:
        """Return the numbers with other points."""
        assert isinstance(numbers, ConventionNumbers)
        assert isinstance(change, ChangePoints)
        points = change.model_dump(include={"success", "failure"}, exclude_none=True)
        return numbers.model_dump() | points

    def setting(self, numbers: Numbers) -> SettingColumns:
        """Return names, pairing and points."""
        assert isinstance(numbers, ConventionNumbers)
        return setting_columns(numbers)

    def unit(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the population: each seed is one, independent of the others."""
        del round_number
        return f"{spec.scenario.name} {spec.seed}"


DESIGN = ConventionDesign()
