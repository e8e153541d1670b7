"""What the simulation API takes and gives, for the service and its clients: bounds, units and examples."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from atp_ray.config_files import Frozen, Whole
from atp_ray.live.interventions import Intervention
from atp_ray.live.log import EventKind
from atp_ray.live.monitors import Monitor
from atp_ray.live.simulation import Parent, Status, Until
from atp_ray.paradigms.requests import MOST_ROUNDS, MOST_SEED, EpisodeRequest
from atp_ray.play.probes import AnswerKind

PROBLEM_TYPE = "application/problem+json"  # media type of every error the service itself answers (RFC 9457)
ActionName = Literal["deviant", "aligned", "unparsed", "missing", "idle"]
MOST_SEEDS = 64


class SimulationFields(Frozen):
    """What a simulation has beside its episode."""

    preset: str | None = Field(default=None, max_length=100, description="Start from a named preset.")
    name: str = Field(default="", max_length=200)
    monitors: tuple[Monitor, ...] = Field(default=(), max_length=20)


class NewSimulation(SimulationFields, EpisodeRequest):
    """A simulation to be made: an episode of any paradigm, with a name, monitors and, if wanted, a preset.

    Each paradigm has fields of its own; one that belongs to another paradigm is refused.
    """


class NewControl(Frozen):
    """Run (until a condition), pause at the round's end, play one step, or cancel for good."""

    command: Literal["run", "pause", "step", "cancel"] = Field(examples=["run"])
    until: Until = Field(default=Until(), description="For `run` only.")

    @model_validator(mode="after")
    def _until_is_for_run(self) -> NewControl:
        if self.command != "run" and self.until != Until():
            raise ValueError("until is for run only")
        return self


class NewFork(Frozen):
    """A branch: where it leaves, another seed if wanted, and what is changed in it."""

    round: Whole = Field(ge=0, le=MOST_ROUNDS, examples=[2], description="After so many settled rounds; 0: before any.")
    name: str = Field(default="", max_length=200)
    seed: Whole | None = Field(default=None, ge=0, le=MOST_SEED, description="None continues with the parent's.")
    interventions: tuple[Intervention, ...] = Field(default=(), max_length=100)


class NewWhatIf(Frozen):
    """Pairs of branches, with and without some interventions, over several seeds."""

    round: Whole = Field(ge=0, le=MOST_ROUNDS, examples=[1])
    rounds: Whole = Field(ge=1, le=MOST_ROUNDS, examples=[3], description="How many rounds each branch plays on.")
    seeds: Whole = Field(default=1, ge=1, le=MOST_SEEDS)
    interventions: tuple[Intervention, ...] = Field(min_length=1, max_length=100)


class SimulationView(BaseModel):
    """A simulation as it stands."""

    id: str
    name: str
    status: Status
    reason: str | None = Field(description="Why it failed.")
    paradigm: str
    scenario: str
    n_agents: int
    threshold: int | None
    high: float | None
    medium: float | None
    low: float | None
    supervision: str | None
    setting: dict[str, float | str | None] = Field(description="All numbers of the paradigm's own.")
    options: list[str] = Field(
        description="The options whose shares are told; empty where one of two is deviant and the rate says it all."
    )
    rounds: int
    talk: int = Field(description="Longest message before each decision, in characters; 0 for none.")
    probes: list[str] = Field(description="Names of the side questions.")
    rounds_settled: int
    checkpoints: dict[str, int] = Field(description="Seats by checkpoint.")
    label: str | None = Field(description="What these results are not about; null for real checkpoints only.")
    until: Until
    parent: Parent | None
    branches: list[str]
    author: str
    created: str


class SimulationPage(BaseModel):
    """Some simulations; ask again with `after` = `next` for more."""

    simulations: list[SimulationView]
    next: str | None


class RoundView(BaseModel):
    """A settled round; rates and shares in 0..1, null or empty where nobody decided."""

    round: int
    n_deviant: int
    n_aligned: int
    n_unparsed: int
    n_missing: int
    n_asked: int
    deviant_rate: float | None
    success: bool | None
    threshold: int | None
    capital_mean: float | None
    capital_min: float | None
    capital_max: float | None
    capital_gini: float | None
    shares: dict[str, float] = Field(description="Of each of the simulation's `options`, among the seats under study.")
    population_shares: dict[str, float] = Field(description="The same among all seats, fixed ones included.")


class RoundPage(BaseModel):
    """Some settled rounds; ask again with `after` = `next` for more."""

    rounds: list[RoundView]
    next: int | None


class AgentView(BaseModel):
    """A seat: who plays it, its capital, its latest action, and what was done to it."""

    seat: int
    checkpoint: str
    capital: float | None
    action: str | None
    choice: str | None
    quarantined: bool
    forgot_until: int | None


class AgentPage(BaseModel):
    """Some seats; ask again with `after` = `next` for more."""

    agents: list[AgentView]
    next: int | None


class MessageView(BaseModel):
    """A chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class MemoryView(BaseModel):
    """The exact messages a seat would be sent first in its next round."""

    seat: int
    round: int
    messages: list[MessageView]


class DecisionView(BaseModel):
    """One decision; `said` (before it) and `reply` only when asked for, as they may hold injections."""

    round: int
    seat: int
    checkpoint: str
    action: str
    choice: str | None
    asked: bool
    reward: float | None
    capital_after: float | None
    said: str | None = None
    reply: str | None = None


class DecisionPage(BaseModel):
    """Some decisions in the order of rounds and seats; ask again with `after` = `next` for more."""

    decisions: list[DecisionView]
    next: int | None


class ProbeView(BaseModel):
    """One answer to a probe: its words only when asked for, what they stand for (yes 1, no 0), and what came of it."""

    round: int
    seat: int
    checkpoint: str
    probe: str
    kind: AnswerKind
    answer: str | None = None
    value: float | None
    actual: float | None


class ProbePage(BaseModel):
    """Some answers in the order of rounds, probes and seats; ask again with `after` = `next` for more."""

    probes: list[ProbeView]
    next: int | None


class MonitorView(BaseModel):
    """A monitor: when it fired, and how many rounds before the tip (negative: after it)."""

    kind: str
    fired_at: int | None
    rounds_before_tip: int | None


class UsageView(BaseModel):
    """What was asked of a checkpoint: requests, tokens sent and tokens written."""

    requests: int
    prompt_tokens: int
    completion_tokens: int


class MetricsView(BaseModel):
    """Rates and shares by round, the tip, the convergence, the monitors, and tokens by checkpoint.

    From `tipping_round` on the rate stays above one half; from `converged_round` on at least 95 % of all seats stand by
    one option, `converged_on`. `shares` has those of each of the simulation's options by round, as `RoundView` does. A
    branch's `usage` is of its own rounds, not of those it shares with its parent.
    """

    deviant_rates: list[float | None]
    tipping_round: int | None
    shares: dict[str, list[float | None]]
    converged_round: int | None
    converged_on: str | None
    monitors: list[MonitorView]
    label: str | None
    usage: dict[str, UsageView]


class EventView(BaseModel):
    """One event of a simulation's log; the data of a round is that of its `RoundView`."""

    seq: int
    kind: EventKind
    time: str
    author: str
    data: dict[str, object]


class RoundDecisions(BaseModel):
    """The decisions of one round, as the stream tells them right before the round."""

    round: int
    decisions: list[DecisionView]


class EventPage(BaseModel):
    """Some events; ask again with `after` = `next` for more."""

    events: list[EventView]
    next: int | None


class TreeNode(BaseModel):
    """A simulation and the branches that leave it."""

    id: str
    name: str
    status: Status
    leaves_at: int | None
    rounds_settled: int
    branches: list[TreeNode]


class WhatIfView(BaseModel):
    """The branches of a what-if, pairwise by seed; compare them at `comparison` once they have played."""

    model_config = ConfigDict(validate_by_name=True)

    without: list[str]
    with_: list[str] = Field(alias="with")
    comparison: str


class DifferenceView(BaseModel):
    """With minus without in one round; the 95 % interval is over pairs of seeds, null with one pair."""

    model_config = ConfigDict(validate_by_name=True)

    round: int
    without: float
    with_: float = Field(alias="with")
    difference: float
    low: float | None
    high: float | None
    n_pairs: int


class ComparisonView(BaseModel):
    """Two groups of branches compared, round by round."""

    differences: list[DifferenceView]
    label: str | None


class FieldView(BaseModel):
    """A field of a new simulation that only its paradigm has."""

    name: str
    description: str
    type: Literal["number", "integer", "text", "choice"]
    choices: list[str]
    default: float | str | None
    minimum: float | None
    maximum: float | None


class ParadigmView(BaseModel):
    """A paradigm: its scenarios, and the fields of a new simulation beside those that all have."""

    name: str
    title: str
    scenarios: list[str]
    presets: list[str]
    one_agent: bool = Field(description="Whether an episode has one agent only.")
    fields: list[FieldView]


class Health(BaseModel):
    """Whether the service answers, and what is available."""

    status: Literal["ok"]
    simulations: int
    checkpoints: list[str]
    starting: dict[str, str] = Field(
        description="What the engines that do not answer yet are doing, by checkpoint; rounds wait for them."
    )
    presets: list[str]
    scenarios: list[str]
    supervision: list[str] = Field(description="The supervision patterns of a role-play.")
    paradigms: list[ParadigmView] = Field(description="What a new simulation of each paradigm takes.")
    most_agents: int
