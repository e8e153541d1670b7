"""What may be asked of the conventions: one naming game, or a grid of them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from atp_ray.config_files import Frozen, Number, Whole
from atp_ray.networks.kinds import Complete
from atp_ray.networks.placement import PlacementRule
from atp_ray.networks.texts import Network, Networks
from atp_ray.paradigms.conventions.scenarios import MOST_NAMES, Name, Names, Order, Pairing
from atp_ray.paradigms.design import Change
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import MOST_AGENTS, EpisodeRequest, Rounds, Window, network_field

Points = Annotated[Number, Field(ge=-1e6, le=1e6)]
NAMES, AGENTS = 10, 24  # as the published experiments
NETWORK = "Who may meet whom: complete (everyone), or a network whose neighbours meet"
PLACEMENT = "Where committed agents sit in the network; null: on the first seats."


class ConventionSettings(Frozen):
    """What one naming game and a grid of them have in common."""

    rounds: Rounds = 30
    history_window: Annotated[Window, Field(description="Own last meetings an agent remembers.")] = 5
    names: Names | None = Field(
        default=None, description="A list of names of your own, separated by commas; else the scenario's first ones."
    )
    established: Name | None = Field(
        default=None, description="Name all agents remember at the start. Default: none, they remember nothing."
    )
    challenger: Name | None = Field(
        default=None, description="Name of committed agents. Default: the first name that is not established."
    )
    order: Order = Field(default="shuffled", description="Names in a prompt: in random order, or as given.")
    success: Points = Field(default=100.0, description="Points for each of two that choose the same name.")
    failure: Points = Field(default=-50.0, description="Points for each of two that choose different names.")


class ConventionRequest(ConventionSettings, EpisodeRequest):
    """One naming game."""

    paradigm: Literal["conventions"] = "conventions"
    scenario: str = Field(default="letters", max_length=200)
    n_agents: Whole = Field(default=AGENTS, ge=2, le=MOST_AGENTS)
    n_names: Whole = Field(default=NAMES, ge=2, le=MOST_NAMES, description="Names to choose from.")
    committed: Whole = Field(
        default=0, ge=0, le=MOST_AGENTS, description="Agents, from the first seat on, that always say the challenger."
    )
    pairing: Pairing = Field(default="synchronous", description="Who meets in a round: one random pair, or everyone.")
    network: Network = network_field(NETWORK)
    placement: PlacementRule | None = Field(default=None, description=PLACEMENT)


class ConventionGrid(ConventionSettings, Grid):
    """The axes of a sweep over naming games; every combination of the axes is a cell.

    `names` replace `n_names`. Every seed is a population of its own.
    """

    axes: ClassVar[tuple[str, ...]] = (
        "checkpoints", "n_agents", "committed", "n_names", "pairing", "network", "placement",
    )  # fmt: skip
    texts: ClassVar[tuple[str, ...]] = (*Grid.texts, "network")

    paradigm: Literal["conventions"]
    checkpoints: tuple[str, ...] = Field(default=("tiny-names",), min_length=1)
    scenarios: str = "letters"
    n_agents: tuple[Annotated[int, Field(ge=2, le=MOST_AGENTS)], ...] = Field(default=(AGENTS,), min_length=1)
    committed: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    n_names: tuple[Annotated[int, Field(ge=2, le=MOST_NAMES)], ...] = Field(default=(NAMES,), min_length=1)
    pairing: tuple[Pairing, ...] = Field(default=("synchronous",), min_length=1)
    network: Networks = Field(default=(Complete(),), min_length=1, description=NETWORK)
    placement: tuple[PlacementRule, ...] = Field(default=(), description=PLACEMENT)


class ChangePoints(Change):
    """Change what meetings pay from the next round on; what is left out stays."""

    kind: Literal["change_points"]
    success: Points | None = None
    failure: Points | None = None
