"""Distinct windows and how often each was followed by each name, run by run: all that a fit needs of the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from atp_ray.responses.interactions import Names, Windows


class Patterns(NamedTuple):
    """`counts_RUK` (runs x windows * names, sparse) has the decisions of run R on window U that chose name K."""

    own_UH: Names
    other_UH: Names
    counts_RUK: csr_array
    n_names: int

    @property
    def n_runs(self) -> int:
        """How many runs there are."""
        return int(self.counts_RUK.shape[0])

    def counts(self, weight_R: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.float64]:
        """Return the decisions [U, K] of all runs, each weighted if weights are given."""
        weights = np.ones(self.n_runs) if weight_R is None else weight_R
        return np.asarray(weights @ self.counts_RUK).reshape(len(self.own_UH), self.n_names)


def patterns_of(windows: Windows, n_names: int) -> Patterns:
    """Count equal windows."""
    memory = windows.own_DH.shape[1]
    both = np.concatenate([windows.own_DH, windows.other_DH], axis=1)
    distinct, which = np.unique(both, axis=0, return_inverse=True)
    n_runs = int(windows.run_D.max()) + 1
    column = which.ravel() * n_names + windows.chosen_D
    ones = np.ones(len(column))
    counts = csr_array((ones, (windows.run_D, column)), shape=(n_runs, len(distinct) * n_names))
    counts.sum_duplicates()
    return Patterns(distinct[:, :memory], distinct[:, memory:], counts, n_names)
