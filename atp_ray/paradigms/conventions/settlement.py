"""Settlement of a naming game: who met and agreed, and the points of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atp_ray.paradigms.conventions.pairing import NOBODY
from atp_ray.play.actions import ActionArray
from atp_ray.play.capital import FloatArray
from atp_ray.play.decisions import BoolArray, IntArray


class Met(NamedTuple):
    """Which seats [A] had a meeting, and which of these agreed with their partner."""

    met_A: BoolArray
    agreed_A: BoolArray


def meetings_of(option_A: ActionArray, partner_A: IntArray) -> Met:
    """Return who met and agreed; where either gave no readable name, there was no meeting.

    Args:
        option_A: index of the name each seat chose, -1 for none.
        partner_A: whom each seat met, -1 for nobody.
    """
    theirs_A = np.where(partner_A == NOBODY, -1, option_A[partner_A])
    met_A = (option_A >= 0) & (theirs_A >= 0)
    return Met(met_A, met_A & (option_A == theirs_A))


def points_of(met: Met, success: float, failure: float) -> FloatArray:
    """Return the points of each seat, [A]: 0 without a meeting."""
    return np.where(met.met_A, np.where(met.agreed_A, success, failure), 0.0)
