"""What may be asked of tool usage: one agent's problems, or those of many agents."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from atp_ray.config_files import Frozen, Number, Whole
from atp_ray.paradigms.design import Change
from atp_ray.paradigms.grids import Grid
from atp_ray.paradigms.requests import EpisodeRequest, Rounds, UnreadableChoice, Window
from atp_ray.paradigms.tool_usage.problem_pools.pools import EMBEDDED

MOST_COST, MOST_CALLS, MOST_SIMPLE = 1e6, 20, 10


class ToolUsageSettings(Frozen):
    """What one agent's problems and those of many have in common. Costs in units per problem."""

    rounds: Rounds = 4
    history_window: Window = 4
    simple_problems: Whole = Field(default=1, ge=0, le=MOST_SIMPLE, description="For experience, per agent and round.")
    tool_cost: Number = Field(default=3.0, ge=0, le=MOST_COST, description="Units for a problem solved with the tool.")
    direct_cost: Number = Field(default=1.0, ge=0, le=MOST_COST, description="Units for one solved without it.")
    most_calls: Whole = Field(default=3, ge=1, le=MOST_CALLS, description="Tool calls allowed per problem.")
    unreadable: UnreadableChoice = "left_out"


class ToolUsageRequest(ToolUsageSettings, EpisodeRequest):
    """One agent and its problems.

    `pool` is `embedded` (the project's own problems), `paper` (GSM8K and OpenThoughts from the hub), or a folder with
    `simple.jsonl` and `complex.jsonl`.
    """

    local_fields: ClassVar[tuple[str, ...]] = ("pool",)

    paradigm: Literal["tool_usage"] = "tool_usage"
    scenario: str = Field(default="maths", max_length=200)
    n_agents: Literal[1] = 1
    pool: str = Field(default=EMBEDDED, max_length=1000)


class ToolUsageGrid(ToolUsageSettings, Grid):
    """A tool-usage sweep: `agents` agents, each with problems of its own in every round.

    `pool` is `embedded` (the project's own problems), `paper` (GSM8K and OpenThoughts from the hub), or a folder with
    `simple.jsonl` and `complex.jsonl`.
    """

    paradigm: Literal["tool_usage"]
    scenarios: str = "maths"
    agents: int = Field(default=24, ge=1)
    pool: str = EMBEDDED


class ChangeCosts(Change):
    """Change what a problem costs with and without the tool; what is left out stays."""

    kind: Literal["change_costs"]
    tool_cost: Number | None = Field(default=None, ge=0, le=MOST_COST)
    direct_cost: Number | None = Field(default=None, ge=0, le=MOST_COST)
