"""Fit the recurrent family: gradients by torch, steps by scipy. Imported only when that family is fitted."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize

from atp_ray.responses.features import Array
from atp_ray.responses.interactions import Names
from atp_ray.responses.recurrent import START_SPREAD, inputs, log_odds, n_parameters

MOST_STEPS = 200  # held-out loss gains nothing from more: stopping early is part of the regularisation
MOST_STEPS_AGAIN = 60  # from parameters of another sample of the same runs


class RecurrentFitter:
    """Fits the model to windows that are always the same and counts that change."""

    def __init__(self, own_UH: Names, other_UH: Names, n_names: int, by_name: bool) -> None:
        read, empty = inputs(own_UH, other_UH, n_names)
        self._read_UKHS, self._empty_U1, self._by_name = torch.from_numpy(read), torch.from_numpy(empty), by_name
        self._n_parameters = n_parameters(n_names, by_name)

    def __call__(self, counts_UK: Array, penalty: float, start_P: Array | None) -> Array:
        """Return the parameters of a high penalised likelihood; the same counts and start always give the same.

        Args:
            penalty: of the sum of squares of the parameters.
            start_P: parameters to begin with; drawn with a fixed seed if not given.
        """
        seen_U = counts_UK.sum(axis=1) > 0
        rows = torch.from_numpy(np.flatnonzero(seen_U))
        read, empty = self._read_UKHS[rows], self._empty_U1[rows]
        counts = torch.from_numpy(np.ascontiguousarray(counts_UK[seen_U], dtype=float))

        def loss(parameters_P: Array) -> tuple[float, Array]:
            asked = torch.tensor(parameters_P, requires_grad=True)
            chances = torch.log_softmax(log_odds(asked, read, empty, self._by_name, torch), dim=1)
            value = -(counts * chances).sum() + penalty / 2 * (asked**2).sum()
            (slope,) = torch.autograd.grad(value, asked)
            return float(value.detach()), slope.numpy()

        steps = MOST_STEPS if start_P is None else MOST_STEPS_AGAIN
        drawn = np.random.default_rng(0).normal(scale=START_SPREAD, size=self._n_parameters)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the arrays are small: more threads only wait for each other
        try:
            begin = drawn if start_P is None else start_P
            found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": steps})
        finally:
            torch.set_num_threads(threads)
        return np.asarray(found.x)
