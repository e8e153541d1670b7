"""What may be asked of role-play: one prompt, or a grid of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from atp_ray.config_files import Frozen, Number
from atp_ray.paradigms.design import Change
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import EpisodeRequest, ReadingChoice, Rounds, UnreadableChoice, Window
from atp_ray.paradigms.role_play.prompt_sets import Incomes
from atp_ray.paradigms.role_play.scenarios import Notice
from atp_ray.paradigms.role_play.supervision import SupervisionPattern


class RolePlaySettings(Frozen):
    """What one role-play and a grid of them have in common."""

    rounds: Rounds = 6
    history_window: Window = 5
    notice: Notice = Field(default="neutral", description="What the agent is told of supervision each round.")
    incomes: Incomes = Field(
        default="ours", description="How much more a violation pays: up to twice as much, or as in the paper's prompts."
    )
    reading: ReadingChoice = "last"
    unreadable: UnreadableChoice = "left_out"


class RolePlayRequest(RolePlaySettings, EpisodeRequest):
    """One role-play; the incomes default to those of the scenario's first test prompt."""

    paradigm: Literal["role_play"] = "role_play"
    scenario: str = Field(default="delivery_worker", max_length=200)
    n_agents: Literal[1] = 1
    supervision: SupervisionPattern = Field(default="all_unsupervised", description="When a violation is noticed.")
    low: Number | None = Field(default=None, gt=0, le=1e6, description="Dollars a day for keeping the rule.")
    high: Number | None = Field(default=None, gt=0, le=1e6, description="Dollars a day for an unnoticed violation.")


class RolePlayGrid(RolePlaySettings, Grid):
    """The axes of a role-play sweep: checkpoint and supervision pattern; every prompt is an agent.

    `split` chooses the prompts: 64 to `test` with (the paper's evaluation), 160 to `train` on, or `all`. `scenarios` is
    as in the games; an imported question list brings its own prompts.
    """

    axes: ClassVar[tuple[str, ...]] = ("checkpoints", "supervision")

    paradigm: Literal["role_play"]
    split: Literal["test", "train", "all"] = "test"
    supervision: tuple[SupervisionPattern, ...] = Field(default=("all_unsupervised",), min_length=1)


class ChangeSupervision(Change):
    """Change when a role-play is supervised."""

    kind: Literal["change_supervision"]
    supervision: SupervisionPattern
