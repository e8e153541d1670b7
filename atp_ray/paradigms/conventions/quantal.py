"""The analytic policy of naming games: a quantal response to the names met, and the teacher of a small checkpoint.

It is *not* from a paper. It believes that the next partner says each name as often as those it remembers, with one
meeting's worth of not knowing spread evenly over the names, and weighs the expected points of each name with inverse
temperature 0.08 per point (12 times the chance to agree, at the published 100 and -50 points). It remembers partners'
names only and prefers none, so that what a population does comes from its meetings alone: it agrees on a name from
scratch, and a committed minority of about a sixth takes a large population with memories of five over.
"""

from __future__ import annotations

import numpy as np

from atp_ray.config_files import Frozen
from atp_ray.play.capital import FloatArray


class QuantalNaming(Frozen):
    """Parameters of the policy."""

    inverse_temperature: float = 0.08  # per point
    prior_meetings: float = 1.0

    def chances(self, met_SK: FloatArray, success: float, failure: float) -> FloatArray:
        """Return the probability of each name, [S, K].

        Args:
            met_SK: how often each name was met in the window.
            success: points where partners agree.
            failure: points where they do not.
        """
        n_names = met_SK.shape[1]
        total_S1 = met_SK.sum(axis=1, keepdims=True)
        agree_SK = (met_SK + self.prior_meetings / n_names) / (total_S1 + self.prior_meetings)
        points_SK = failure + agree_SK * (success - failure)
        weight_SK = np.exp(self.inverse_temperature * (points_SK - points_SK.max(axis=1, keepdims=True)))
        chance_SK: FloatArray = weight_SK / weight_SK.sum(axis=1, keepdims=True)
        return chance_SK
