"""Settlement of role-play: what a day's choice earns (paper section 3.1.1)."""

from __future__ import annotations

import numpy as np

from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.capital import FloatArray


def role_play_income(actions_A: ActionArray, low: float, high: float, supervised: bool) -> FloatArray:
    """Return each seat's income of a role-play round (paper section 3.1.1), in dollars.

    Keeping the rule earns `low`, an unnoticed violation `high`; a noticed one and a reply without a decision nothing.
    """
    income_A = np.zeros(actions_A.shape)
    income_A[actions_A == Action.ALIGNED] = low
    income_A[actions_A == Action.DEVIANT] = 0.0 if supervised else high
    return income_A
