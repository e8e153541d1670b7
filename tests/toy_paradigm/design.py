"""Requests, grids and the one intervention of the toy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from atp_ray.checkpoint.profiles import Profile, checkpoint_kind
from atp_ray.config_files import Number, Whole
from atp_ray.paradigms.cell_names import named_cell, seat_group
from atp_ray.paradigms.design import Change, Design, SettingColumns
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import EpisodeRequest
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.scenario import Numbers
from toy_paradigm.environment import ToyNumbers, ToyScenario

SHARING = ToyScenario(name="sharing", title="Sharing", upstream_name="none", question="On the table lies")


class ToyRequest(EpisodeRequest):
    """One table."""

    paradigm: Literal["toy"] = "toy"
    scenario: str = "sharing"
    n_agents: Whole = Field(default=4, ge=1)
    rounds: Whole = Field(default=2, ge=1)
    history_window: Whole = Field(default=3, ge=1)
    prize: Number = Field(default=5.0, gt=0)


class ToyGrid(Grid):
    """Tables of several prizes."""

    axes: ClassVar[tuple[str, ...]] = ("checkpoints", "prizes")
    paradigm: Literal["toy"]
    scenarios: str = "sharing"
    prizes: tuple[float, ...] = (5.0,)


class ChangePrize(Change):
    """Put another prize on the table."""

    kind: Literal["change_prize"]
    prize: Number = Field(gt=0)


class ToyDesign(Design):
    """The toy."""

    name = "toy"
    request_model = ToyRequest
    grid_model = ToyGrid
    change_models = (ChangePrize,)
    evaluation_grid = "toy"

    def scenario_names(self) -> list[str]:
        """Return the one scenario."""
        return [SHARING.name]

    def scenario(self, name: str) -> ToyScenario:
        """Return it."""
        return SHARING

    def episode(self, request: EpisodeRequest, seats: Sequence[SeatGroup]) -> EpisodeSpec:
        """Return one table."""
        assert isinstance(request, ToyRequest)
        numbers = ToyNumbers(n_agents=sum(group.count for group in seats), prize=request.prize)
        return EpisodeSpec(
            scenario=SHARING, parameters=numbers, seats=tuple(seats), rounds=request.rounds, seed=request.seed
        )

    def cells(self, grid: Grid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
        """Return a cell for each checkpoint and prize."""
        assert isinstance(grid, ToyGrid)
        made = []
        for name in grid.checkpoints:
            for prize in grid.prizes:
                seats = (seat_group(profiles[name], 4, grid.sampling, "grid"),)
                episodes = [self.episode(ToyRequest(prize=prize, seed=seed), seats) for seed in range(grid.seeds)]
                label, kind = f"{name}-{prize:g}", checkpoint_kind(profiles[name])
                made.append(named_cell(grid.name, label, name, kind, episodes, 4, self.setting(episodes[0].parameters)))
        return made

    def changed(self, numbers: Numbers, change: Change) -> dict[str, object]:
        """Return the numbers with another prize."""
        assert isinstance(change, ChangePrize)
        return numbers.model_dump() | {"prize": change.prize}

    def setting(self, numbers: Numbers) -> SettingColumns:
        """Return the prize under a name the tables have."""
        assert isinstance(numbers, ToyNumbers)
        return {"high": numbers.prize}


DESIGN = ToyDesign()
