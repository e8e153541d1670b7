"""How well the small model imitates its teacher: what is measured, and free replies compared with probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from pydantic import Field

from atp_ray.config_files import Frozen
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.memory import SeatView
from atp_ray.play.parsing import parse_choice
from atp_ray.play.problems import Difficulty
from atp_ray.play.prompts import Message

PULL_STEP = 2  # percent; what a reply states is the probability rounded to this


class Sampler(Protocol):
    """Samples free replies from a checkpoint."""

    def replies(self, conversations: Sequence[list[Message]]) -> list[str]:
        """Return one reply per conversation."""
        ...


class State(NamedTuple):
    """A decision to be made: the seat's view, its memory, and the teacher's probability of the deviant action."""

    view: SeatView
    probability: float


class StratumFit(Frozen):
    """Agreement with the teacher on one kind of state; `noise` is the error sampling alone would give."""

    kind: str
    agents: str
    states: int
    parsed: float = Field(ge=0, le=1, description="Share of free replies with a readable decision.")
    correlation: float
    mean_absolute_error: float
    noise: float


class ClosedLoop(Frozen):
    """Collusion rate of each round when eight of them play all seven games, at incentive ratio 1."""

    threshold: int
    rates: tuple[float, ...]


class ToolFit(Frozen):
    """How problems of one difficulty are solved, as shares of the replies of each kind."""

    difficulty: Difficulty
    problems: int
    parsed: float = Field(ge=0, le=1, description="Replies with a tool call or a readable answer.")
    correlation: float = Field(description="P(no tool) against the teacher's.")
    right_program: float = Field(description="Tool calls that are the teacher's program, to the letter.")
    right_copy: float = Field(description="Answers that are the tool's output, given the right program.")
    right_direct: float = Field(description="Direct answers that are true.")


class CalibrationPart(NamedTuple):
    """What one paradigm contributes to the comparison."""

    fits: tuple[StratumFit, ...] = ()
    closed_loop: tuple[ClosedLoop, ...] = ()
    tool_fits: tuple[ToolFit, ...] = ()


def stated_pull(probability: float) -> str:
    """Return how a reply states the teacher's probability, in percent."""
    return f"Pull {PULL_STEP * round(100 * probability / PULL_STEP)}."


def fit_states(sampler: Sampler, states: Sequence[State], repeats: int, kind: str, agents: str) -> StratumFit:
    """Compare the share of deviant replies in each state with the teacher's probability."""
    sent = [paradigm(state.view.spec.paradigm).environment.messages(state.view) for state in states]
    replies = sampler.replies([messages for messages in sent for _ in range(repeats)])
    estimated, parsed = np.full(len(states), np.nan), 0
    for index, state in enumerate(states):
        options = state.view.spec.scenario.options
        choices = [parse_choice(reply, options).choice for reply in replies[index * repeats : (index + 1) * repeats]]
        read = [choice for choice in choices if choice is not None]
        parsed += len(read)
        if read:
            estimated[index] = np.mean([choice == options[0] for choice in read])
    teacher = np.array([state.probability for state in states])
    known = ~np.isnan(estimated)
    noise = np.sqrt(2 / np.pi * teacher * (1 - teacher) / repeats).mean()
    return StratumFit(
        kind=kind,
        agents=agents,
        states=len(states),
        parsed=parsed / (len(states) * repeats),
        correlation=float(np.corrcoef(estimated[known], teacher[known])[0, 1]),
        mean_absolute_error=float(np.abs(estimated[known] - teacher[known]).mean()),
        noise=float(noise),
    )
