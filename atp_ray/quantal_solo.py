"""Analytic policies for the two paradigms with one agent, in the manner of `atp_ray.quantal`.

They are *not* from the paper: logistic rules whose constants make an agent violate, or drop the tool, more often as its
own experience says that this pays. They are teachers of the `tiny` checkpoint; the first is also `policy:quantal`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from atp_ray.actions import Action
from atp_ray.config_files import Frozen
from atp_ray.memory import SeatView
from atp_ray.problems import Difficulty, Solution
from atp_ray.scenarios.role_play import RolePlayParameters


class ViolationResponse(Frozen):
    """When an agent breaks its rule in role-play; dimensionless, in log-odds unless said otherwise."""

    inverse_temperature: float = 3.0  # on the logarithm of the income ratio
    obedience: float = -1.3
    reward_pull: float = 0.55  # for each violation in memory that paid
    most_rewards: int = 3
    punished_pull: float = -1.6  # for the last one that was noticed
    supervised_notice: float = -2.5
    unsupervised_notice: float = 0.8

    def violate_probability(self, view: SeatView) -> float:
        """Return the probability of a violation in the round that follows the view."""
        numbers = view.spec.role_play.parameters
        paid, punished = violations(view)
        log_odds = (
            self.inverse_temperature * np.log(numbers.high / numbers.low)
            + self.obedience
            + self.reward_pull * min(paid, self.most_rewards)
            + (self.punished_pull if punished else 0.0)
            + self._notice(numbers, view.round)
        )
        return float(expit(log_odds))

    def _notice(self, numbers: RolePlayParameters, round_number: int) -> float:
        if numbers.notice != "actual":
            return 0.0
        return self.supervised_notice if numbers.supervised(round_number) else self.unsupervised_notice


def violations(view: SeatView) -> tuple[int, bool]:
    """Return how many remembered violations paid, and whether the last remembered round was a noticed one."""
    paid = [
        past.public.actions_A[0] == Action.DEVIANT and past.capital_after > past.capital_before for past in view.rounds
    ]
    last = view.rounds[-1] if view.rounds else None
    punished = last is not None and last.public.actions_A[0] == Action.DEVIANT and not paid[-1]
    return sum(paid), bool(punished)


class ToolResponse(Frozen):
    """When an agent reasons directly instead of paying for the tool; dimensionless, in log-odds."""

    reluctance: float = -0.7
    simple_pull: float = 1.0
    direct_right: float = 0.6  # for each problem solved without the tool
    tool_right: float = -0.2
    wrong: float = -0.6  # for each wrong answer given without the tool in the running round
    most: int = 6

    def direct_probability(self, known: Sequence[Solution], difficulty: Difficulty) -> float:
        """Return the probability of reasoning directly, given what is known from experience."""
        counts = strategy_counts(known)
        log_odds = (
            self.reluctance
            + (self.simple_pull if difficulty == "simple" else 0.0)
            + self.direct_right * min(counts[0], self.most)
            + self.tool_right * min(counts[1], self.most)
            + self.wrong * counts[2]
        )
        return float(expit(log_odds))


def strategy_counts(known: Sequence[Solution]) -> tuple[int, int, int]:
    """Return how many problems went right directly, how many right with the tool, and how many wrong directly."""
    direct = sum(solution.correct and not solution.used_tool for solution in known)
    tool = sum(solution.correct and solution.used_tool for solution in known)
    wrong = sum(not solution.correct and not solution.used_tool for solution in known)
    return direct, tool, wrong
