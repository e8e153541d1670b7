"""A small recurrent model (GRU) of how a name fares in a window, in plain arrays: fitting takes torch, playing none.

For each name a gated recurrent unit (Cho and others, arXiv 1406.1078) reads the window from the oldest interaction on:
whether the agent chose the name, whether its partner did, whether they agreed, whether there was an interaction at all.
What it ends with is the name's log-odds, beside a preference for each name and one that fades as the memory fills. All
names are read by the same weights, so the model does not depend on how names are called; with `by_name` each name has a
bias of its own at the gates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from atp_ray.responses.features import Array
from atp_ray.responses.interactions import EMPTY, Names

HIDDEN = 4
SEEN = 4  # numbers read per interaction
START_SPREAD = 0.3


def inputs(own_UH: Names, other_UH: Names, n_names: int) -> tuple[Array, Array]:
    """Return what is read of each name in each window [U, K, H, `SEEN`], and how empty each window is [U, 1]."""
    names_1K1 = np.arange(n_names)[None, :, None]
    own_UKH, other_UKH = own_UH[:, None, :] == names_1K1, other_UH[:, None, :] == names_1K1
    empty_UH = own_UH == EMPTY
    agreed_UKH = np.broadcast_to(((own_UH == other_UH) & ~empty_UH)[:, None, :], own_UKH.shape)
    empty_UKH = np.broadcast_to(empty_UH[:, None, :], own_UKH.shape)
    read = np.stack([own_UKH, other_UKH, agreed_UKH, empty_UKH], axis=3).astype(float)
    return read, empty_UH.mean(axis=1, keepdims=True)


def n_parameters(n_names: int, by_name: bool) -> int:
    """Return how many numbers the model has."""
    return sum(int(np.prod(shape)) for shape in _shapes(n_names, by_name))


def log_odds(parameters_P: Any, read_UKHS: Any, empty_U1: Any, by_name: bool, xp: Any = np) -> Any:
    """Return the log-odds [U, K] of each name, up to a constant for each window.

    Args:
        xp: numpy, or torch with tensors of its own: the same lines play and fit.
    """
    n_windows, n_names, memory, _ = read_UKHS.shape
    parts, first = [], 0
    for shape in _shapes(n_names, by_name):
        last = first + int(np.prod(shape))
        parts.append(parameters_P[first:last].reshape(shape))
        first = last
    read_weight, state_weight, read_bias, state_bias, value, preference, fading, *name_bias = parts
    gates_UKH = read_UKHS @ read_weight + read_bias + (name_bias[0][None, :, None, :] if by_name else 0.0)
    state = xp.zeros((n_windows, n_names, HIDDEN), dtype=read_UKHS.dtype)
    for lag in range(memory):
        seen, past = gates_UKH[:, :, lag, :], state @ state_weight + state_bias
        both = 1 / (1 + xp.exp(-(seen[..., : 2 * HIDDEN] + past[..., : 2 * HIDDEN])))
        reset, kept = both[..., :HIDDEN], both[..., HIDDEN:]
        new = xp.tanh(seen[..., 2 * HIDDEN :] + reset * past[..., 2 * HIDDEN :])
        state = new + kept * (state - new)
    return state @ value + preference + fading * empty_U1


def _shapes(n_names: int, by_name: bool) -> list[tuple[int, ...]]:
    gates = 3 * HIDDEN
    shared: list[tuple[int, ...]] = [(SEEN, gates), (HIDDEN, gates), (gates,), (gates,), (HIDDEN,)]
    return [*shared, (n_names,), (n_names,), *([(n_names, gates)] if by_name else [])]
