"""What may be asked of the games: one of them, or a grid of them."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from atp_ray.config_files import Frozen, Number, Whole
from atp_ray.networks.kinds import Complete
from atp_ray.networks.placement import PlacementRule
from atp_ray.networks.texts import Network, Networks
from atp_ray.paradigms.design import Change
from atp_ray.paradigms.games.scenarios import REVISION
from atp_ray.paradigms.games.settlement import SettlementRule
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import (
    MOST_AGENTS,
    EpisodeRequest,
    ReadingChoice,
    Rounds,
    UnreadableChoice,
    Window,
    network_field,
)
from atp_ray.play.episodes import Feedback, Visibility

Fraction = Annotated[Number, Field(gt=0, lt=1)]
Threshold = Annotated[Whole, Field(ge=1)] | Fraction


NETWORK = "Who sees whom: complete (everyone), or a network whose neighbours see each other"
PLACEMENT = "Where fixed colluders and refusers sit in the network; null: as they are listed."


class GameSettings(Frozen):
    """What one game and a grid of games have in common."""

    rounds: Rounds = 3
    history_window: Window = 3
    visibility: Visibility = Field(default="choices", description="What seats see of each other.")
    feedback: Feedback = Field(
        default="choices_and_counts",
        description="How a round's outcome is told: with the count and percentage of colluders, or without.",
    )
    reading: ReadingChoice = "last"
    unreadable: UnreadableChoice = "left_out"
    rule: SettlementRule = Field(default=SettlementRule(), description="How rewards act on capital.")
    revision: Number = Field(default=1.0, gt=0, le=1, description=REVISION)


class GameRequest(GameSettings, EpisodeRequest):
    """One coordination game."""

    paradigm: Literal["games"] = "games"
    scenario: str = Field(default="info_sharing", max_length=200)
    n_agents: Whole = Field(default=8, ge=2, le=MOST_AGENTS)
    threshold: Threshold | None = Field(
        default=None, description="Colluders needed; below 1 a fraction of n_agents. Default: half of n_agents."
    )
    high: Number = Field(default=1.2, gt=0, le=100, description="Capital's factor after a success.")
    medium: Number = Field(default=1.0, gt=0, le=100, description="Factor of refusers after a failure.")
    low: Number = Field(default=0.8, ge=0, le=100, description="Factor of colluders after a failure.")
    network: Network = network_field(NETWORK)
    placement: PlacementRule | None = Field(default=None, description=PLACEMENT)


class GameGrid(GameSettings, Grid):
    """The axes of a sweep over coordination games; every combination of `axes` is a cell.

    A `threshold` below 1 is a fraction of n, rounded up. `rewards` (high, medium, low) replace `incentive_ratios`,
    which name Appendix B's triples. `scenarios` is `all`, a comma-separated list, or `upstream:FILE`. `population`
    (`NAME:COUNT,NAME:COUNT`) replaces `checkpoints` and `n_agents`: the seats of one game go to different checkpoints.
    """

    axes: ClassVar[tuple[str, ...]] = (
        "checkpoints", "n_agents", "thresholds", "incentive_ratios", "network", "placement",
    )  # fmt: skip
    texts: ClassVar[tuple[str, ...]] = (*Grid.texts, "network")

    paradigm: Literal["games"] = "games"
    population: str | None = None
    n_agents: tuple[int, ...] = Field(default=(8,), min_length=1)
    thresholds: tuple[Threshold, ...] = Field(default=(2, 4, 6, 8), min_length=1)
    incentive_ratios: tuple[float, ...] = Field(default=(1.0,), min_length=1)
    rewards: tuple[float, float, float] | None = None
    fixed_colluders: int = Field(default=0, ge=0)
    fixed_position: Literal["head", "tail"] = "head"
    network: Networks = Field(default=(Complete(),), min_length=1, description=NETWORK)
    placement: tuple[PlacementRule, ...] = Field(default=(), description=PLACEMENT)


class ChangeNumbers(Change):
    """Change a game's threshold or rewards; what is left out stays."""

    kind: Literal["change_numbers"]
    threshold: Whole | None = Field(default=None, ge=1)
    high: Number | None = Field(default=None, gt=0, le=100)
    medium: Number | None = Field(default=None, gt=0, le=100)
    low: Number | None = Field(default=None, ge=0, le=100)


def colluders_needed(threshold: float, n_agents: int) -> int:
    """Return the number of colluders that a threshold asks for: below 1 it is a fraction of n, rounded up."""
    # 0.07 of 100 is 7, whatever the product is as a floating-point number.
    return math.ceil(threshold * n_agents - 1e-9) if isinstance(threshold, float) else threshold
