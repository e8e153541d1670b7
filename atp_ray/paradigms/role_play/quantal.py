"""The analytic policy of role-play, and the teacher of the `tiny` checkpoint in it.

It is *not* from the paper: a logistic rule whose constants make an agent violate more often as its own experience says
that this pays.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from atp_ray.config_files import Frozen
from atp_ray.paradigms.role_play.scenarios import RolePlayNumbers, role_play_of
from atp_ray.play.actions import Action
from atp_ray.play.memory import SeatView


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
        numbers = role_play_of(view.spec).numbers
        paid, punished = violations(view)
        log_odds = (
            self.inverse_temperature * np.log(numbers.high / numbers.low)
            + self.obedience
            + self.reward_pull * min(paid, self.most_rewards)
            + (self.punished_pull if punished else 0.0)
            + self._notice(numbers, view.round)
        )
        return float(expit(log_odds))

    def _notice(self, numbers: RolePlayNumbers, round_number: int) -> float:
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
