"""Policies as probabilities: from the chance of each option to the option taken."""

from __future__ import annotations

import numpy as np

from atp_ray.play.actions import ActionArray
from atp_ray.play.capital import FloatArray


def of_two_options(deviant_S: FloatArray) -> FloatArray:
    """Return the probabilities [S, 2] of two options, given those of the first one, the deviant."""
    return np.stack([deviant_S, 1.0 - deviant_S], axis=1)


def options_drawn(chance_SK: FloatArray, uniform_S: FloatArray) -> ActionArray:
    """Return the index of the option each seat takes, [S]; `uniform_S` are its random numbers in [0, 1)."""
    until_SK = chance_SK.cumsum(axis=1)[:, :-1]  # the last option takes what is left
    option_S: ActionArray = (uniform_S[:, None] >= until_SK).sum(axis=1).astype(np.int8)
    return option_S
