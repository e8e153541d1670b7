"""Are predicted probabilities what happens? Predicted and observed shares in bins of the prediction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atp_ray.responses.features import Array

BINS = 10


class Calibration(NamedTuple):
    """Predicted and observed share in each bin that holds a decision, with how many; `error` is weighted by these.

    `worst` is the largest difference among bins of at least a hundredth of all decisions.
    """

    predicted_B: Array
    observed_B: Array
    n_B: Array

    @property
    def error(self) -> float:
        """The expected calibration error."""
        return float(np.average(np.abs(self.predicted_B - self.observed_B), weights=self.n_B))

    @property
    def worst(self) -> float:
        """The largest difference in a bin that is not tiny."""
        large_B = self.n_B >= self.n_B.sum() / 100
        return float(np.abs(self.predicted_B - self.observed_B)[large_B].max())


def calibration(probability_UK: Array, counts_UK: Array) -> Calibration:
    """Compare probabilities with how often each name was chosen, over all names and windows."""
    n_UK = np.broadcast_to(counts_UK.sum(axis=1, keepdims=True), counts_UK.shape)
    bin_UK = np.minimum((probability_UK * BINS).astype(int), BINS - 1)
    n_B = np.bincount(bin_UK.ravel(), n_UK.ravel(), minlength=BINS).astype(float)
    predicted_B = np.bincount(bin_UK.ravel(), (n_UK * probability_UK).ravel(), minlength=BINS)
    observed_B = np.bincount(bin_UK.ravel(), counts_UK.ravel(), minlength=BINS)
    used_B = n_B > 0
    return Calibration(predicted_B[used_B] / n_B[used_B], observed_B[used_B] / n_B[used_B], n_B[used_B])
