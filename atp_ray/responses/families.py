"""The families of response models: from a window and fitted numbers to the probability of each name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import softmax

from atp_ray.errors import UsageError
from atp_ray.responses import recurrent
from atp_ray.responses.features import Array, LinearFamily, features
from atp_ray.responses.interactions import Names
from atp_ray.responses.logistic import Logit, fit_logit

Family = LinearFamily | Literal["recurrent", "recurrent_by_name"]
FAMILIES: dict[Family, str] = {
    "lags": "logistic on the window: own and partner's name at each lag",
    "counts": "the same with agreement at each lag and products of counts",
    "by_name": "the same with counts that pull differently for each name",
    "recurrent": "recurrent network (GRU) that reads the window, the same for all names",
    "recurrent_by_name": "the same with gates of each name's own",
}
RECURRENT: tuple[Family, ...] = ("recurrent", "recurrent_by_name")
LINEAR: tuple[LinearFamily, ...] = ("lags", "counts", "by_name")
BY_NAME: tuple[Family, ...] = ("by_name", "recurrent_by_name")
Fitter = Callable[[Array, float, Array | None], Array]  # counts_UK, penalty, parameters to begin with -> parameters


class Model(NamedTuple):
    """A member of a family: plain numbers that say the probability of each name in a window."""

    family: Family
    n_names: int
    parameters_P: Array

    def chances(self, own_UH: Names, other_UH: Names) -> Array:
        """Return the probability [U, K] of each name in each window.

        Raises:
            UsageError: the numbers are not as many as the family has.
        """
        if self.family == "recurrent" or self.family == "recurrent_by_name":
            by_name = self.family == "recurrent_by_name"
            self._require(recurrent.n_parameters(self.n_names, by_name))
            read_UKHS, empty_U1 = recurrent.inputs(own_UH, other_UH, self.n_names)
            return np.asarray(softmax(recurrent.log_odds(self.parameters_P, read_UKHS, empty_U1, by_name), axis=1))
        shared = features(own_UH, other_UH, self.n_names, self.family)
        self._require(shared.shape[2])
        return Logit(self.parameters_P).probabilities(shared)

    def _require(self, n_parameters: int) -> None:
        if len(self.parameters_P) != n_parameters:
            raise UsageError("was fitted with other features", "the response", "Fit it again with this version")


def fitter(family: Family, own_UH: Names, other_UH: Names, n_names: int) -> Fitter:
    """Return what fits a family to decisions in these windows.

    Raises:
        UsageError: it needs torch, which is not installed.
    """
    if family == "recurrent" or family == "recurrent_by_name":
        try:
            from atp_ray.responses.recurrent_fitting import RecurrentFitter  # torch
        except ImportError as error:
            what = "needs torch, which is not installed"
            raise UsageError(what, f"family {family}", f"Use --families {','.join(LINEAR)}") from error
        return RecurrentFitter(own_UH, other_UH, n_names, family == "recurrent_by_name")
    shared = features(own_UH, other_UH, n_names, family)
    return lambda counts_UK, penalty, start_F: fit_logit(shared, counts_UK, penalty, start_F).coefficient_F
