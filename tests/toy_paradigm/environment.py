"""Whoever takes gets the prize, whoever shares a tenth of it; rewards add up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from atp_ray.paradigms.environment import Environment
from atp_ray.play.actions import Action
from atp_ray.play.capital import FloatArray, add_income, no_income
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory, SeatRound
from atp_ray.play.played import Outcome, PlayedRound
from atp_ray.play.scenario import Numbers, Scenario
from atp_ray.play.wording import number, reply_instruction


class ToyScenario(Scenario):
    """A prize on a table."""

    paradigm: ClassVar[str] = "toy"
    kind: Literal["toy"] = "toy"
    question: str

    @property
    def options(self) -> tuple[str, str]:
        """Take it (deviant) or share it."""
        return ("take", "share")


class ToyNumbers(Numbers):
    """How much there is to take."""

    kind: Literal["toy"] = "toy"
    n_agents: int = Field(ge=1)
    prize: float = Field(gt=0)


def prize_of(spec: EpisodeSpec) -> float:
    """Return the prize."""
    assert isinstance(spec.parameters, ToyNumbers)
    return spec.parameters.prize


class ToyEnvironment(Environment):
    """Observe and settle."""

    scenario_models = (ToyScenario,)
    numbers_model = ToyNumbers

    def system(self, spec: EpisodeSpec) -> str:
        """Return who the agent is."""
        return "You stand at a table."

    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return what lies on it."""
        assert isinstance(spec.scenario, ToyScenario)
        return f"{spec.scenario.question} {number(prize_of(spec))}. {reply_instruction(spec.scenario.options)}"

    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return what the seat has."""
        return (f"You have {number(past.capital_after)}.",)

    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Pay the prize or a tenth of it."""
        before = played.before or no_income(len(played.actions_A))
        gain = np.where(played.actions_A == Action.DEVIANT, 1.0, 0.1) * prize_of(spec)
        return Outcome(None, gain, before, add_income(before, gain))

    def deviant_chances(self, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return a chance that grows with the prize."""
        return np.full(len(indices), min(1.0, prize_of(memory.spec) / 10))


ENVIRONMENT = ToyEnvironment()
