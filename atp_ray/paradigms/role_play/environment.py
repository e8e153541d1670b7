"""Role-play as an environment: one agent, its own incomes, supervised or not (paper section 3.1.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.paradigms.environment import Environment
from atp_ray.paradigms.role_play.scenarios import (
    ImportedRolePlay,
    RolePlayNumbers,
    RolePlayScenario,
    role_play_of,
)
from atp_ray.paradigms.role_play.settlement import role_play_income
from atp_ray.play.actions import Action
from atp_ray.play.capital import FloatArray, add_income, no_income
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory, SeatRound
from atp_ray.play.played import Outcome, PlayedRound
from atp_ray.play.wording import money


class RolePlayEnvironment(Environment):
    """Observe and settle of role-play."""

    scenario_models = (RolePlayScenario, ImportedRolePlay)
    numbers_model = RolePlayNumbers

    def system(self, spec: EpisodeSpec) -> str:
        """Return who the agent is."""
        scenario, numbers = role_play_of(spec)
        return scenario.system(numbers)

    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the day's situation with what is said of supervision in that round."""
        scenario, numbers = role_play_of(spec)
        return scenario.question(numbers, round_number)

    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return what the choice earned."""
        del seat
        scenario, numbers = role_play_of(spec)
        earned = money(past.capital_after - past.capital_before)
        total = f"Your income so far is {money(past.capital_after)}."
        action = Action(int(past.public.actions_A[0]))
        if not action.is_decision:
            return (f"Your reply held no valid decision and earned nothing. {total}",)
        choice = scenario.options[0 if action is Action.DEVIANT else 1]
        if action is Action.DEVIANT and numbers.supervised(past.public.round):
            return (f"You chose {choice}. It was noticed and earned nothing. {total}",)
        return (f"You chose {choice} and earned {earned}. {total}",)

    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Pay the day's income."""
        numbers = role_play_of(spec).numbers
        capital = played.before or no_income(len(played.actions_A))
        income_A = role_play_income(played.actions_A, numbers.low, numbers.high, numbers.supervised(played.number))
        return Outcome(None, income_A, capital, add_income(capital, income_A))

    def deviant_chances(self, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        """Return the logistic policy's probability of a violation."""
        # Imported here: a population is many processes, and each would pay for scipy without using it.
        from atp_ray.paradigms.role_play.quantal import ViolationResponse

        policy = ViolationResponse()
        return np.array([policy.violate_probability(memory.seat_view(index)) for index in indices])


ENVIRONMENT = RolePlayEnvironment()
