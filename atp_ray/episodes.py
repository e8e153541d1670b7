"""Episodes: one scenario instance played for some rounds by a fixed set of seats, and their identity."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from atp_ray.config_files import Frozen
from atp_ray.paradigms import Paradigm
from atp_ray.sampling import Sampling
from atp_ray.scenarios.games import GameParameters, GameScenario, ImportedGame
from atp_ray.scenarios.registry import Scenario
from atp_ray.scenarios.role_play import ImportedRolePlay, RolePlayParameters, RolePlayScenario
from atp_ray.scenarios.tool_usage import ToolParameters, ToolScenario

Visibility = Literal["replies", "choices", "counts"]
Parameters = Annotated[GameParameters | RolePlayParameters | ToolParameters, Field(discriminator="kind")]
FIXED_COLLUDER = "policy:collude"


class Game(NamedTuple):
    """A coordination game with its numbers."""

    scenario: GameScenario | ImportedGame
    parameters: GameParameters


class RolePlay(NamedTuple):
    """A role-play environment with its numbers."""

    scenario: RolePlayScenario | ImportedRolePlay
    parameters: RolePlayParameters


class ToolUsage(NamedTuple):
    """A tool-usage scenario with its costs and problems."""

    scenario: ToolScenario
    parameters: ToolParameters


class SeatGroup(Frozen):
    """`count` neighbouring seats played by one checkpoint, at one revision, with one set of sampling settings."""

    checkpoint: str
    count: int = Field(ge=1)
    revision: str = Field(default="", description="Hash or hub revision of the weights; empty for a policy.")
    sampling: Sampling = Sampling()


class EpisodeSpec(Frozen):
    """Everything that determines an episode; its hash is the episode's id."""

    scenario: Scenario
    parameters: Parameters
    seats: tuple[SeatGroup, ...] = Field(min_length=1)
    rounds: int = Field(default=3, ge=1)
    visibility: Visibility = "choices"
    history_window: int = Field(default=3, ge=1, description="Past rounds an agent is shown.")
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> EpisodeSpec:
        if self.scenario.paradigm != self.parameters.kind:
            raise ValueError(f"scenario '{self.scenario.name}' cannot be played with {self.parameters.kind} numbers")
        seated = sum(group.count for group in self.seats)
        if seated != self.parameters.n_agents:
            raise ValueError(f"seats hold {seated} agents but n_agents is {self.parameters.n_agents}")
        fixed = getattr(self.scenario, "fixed", None)
        if fixed is not None and fixed != self.parameters:
            raise ValueError(f"scenario '{self.scenario.name}' fixes its own n, threshold and rewards")
        planned = getattr(self.parameters, "rounds", self.rounds)
        if isinstance(self.parameters, ToolParameters):
            planned = len(self.parameters.problems)
        if planned != self.rounds:
            raise ValueError(f"the scenario's numbers are for {planned} rounds, the episode has {self.rounds}")
        return self

    @cached_property
    def episode_id(self) -> str:
        """16 hexadecimal digits; equal for equal experiments, today or after a crash."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def paradigm(self) -> Paradigm:
        """Which of the paper's testbeds this is."""
        return self.scenario.paradigm

    @property
    def game(self) -> Game:
        """The coordination game played.

        Raises:
            TypeError: the episode is of another paradigm.
        """
        scenario, parameters = self.scenario, self.parameters
        if isinstance(scenario, GameScenario | ImportedGame) and isinstance(parameters, GameParameters):
            return Game(scenario, parameters)
        raise TypeError(f"{self.paradigm} is not a game")

    @property
    def role_play(self) -> RolePlay:
        """The role-play environment, as `game`."""
        scenario, parameters = self.scenario, self.parameters
        if isinstance(scenario, RolePlayScenario | ImportedRolePlay) and isinstance(parameters, RolePlayParameters):
            return RolePlay(scenario, parameters)
        raise TypeError(f"{self.paradigm} is not role-play")

    @property
    def tool_usage(self) -> ToolUsage:
        """The tool-usage scenario, as `game`."""
        if isinstance(self.scenario, ToolScenario) and isinstance(self.parameters, ToolParameters):
            return ToolUsage(self.scenario, self.parameters)
        raise TypeError(f"{self.paradigm} is not tool usage")

    @cached_property
    def seat_groups(self) -> tuple[SeatGroup, ...]:
        """The group of each seat, length n_agents."""
        return tuple(group for group in self.seats for _ in range(group.count))


def seat_plan(group: SeatGroup, fixed_colluders: int, position: Literal["head", "tail"]) -> tuple[SeatGroup, ...]:
    """Return `group` with its first or last `fixed_colluders` seats given to fixed colluders.

    Raises:
        ValueError: `fixed_colluders` is negative or leaves no seat for the checkpoint.
    """
    if not 0 <= fixed_colluders < group.count:
        raise ValueError(f"fixed_colluders must be 0..{group.count - 1}, got {fixed_colluders}")
    if fixed_colluders == 0:
        return (group,)
    fixed = SeatGroup(checkpoint=FIXED_COLLUDER, count=fixed_colluders)
    learners = group.model_copy(update={"count": group.count - fixed_colluders})
    return (fixed, learners) if position == "head" else (learners, fixed)
