"""What a name has going for it in a window of interactions: the features of the linear response models."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from atp_ray.responses.interactions import EMPTY, Names

LinearFamily = Literal["lags", "counts", "by_name"]
Array = npt.NDArray[np.float64]


def features(own_UH: Names, other_UH: Names, n_names: int, family: LinearFamily) -> Array:
    """Return the features [U, K, F] of each name in each window; they are 0 in an empty window but for the preferences.

    A family has those of the families before it. `lags`: whether the name was chosen, and met, at each lag, and a
    preference for each name, with a second one that fades as the memory fills. `counts`: whether both chose it at each
    lag; squares, cubes and products of how often it was chosen and met. `by_name`: counts that count for one name only.
    """
    memory = own_UH.shape[1]
    own_UKH = own_UH[:, None, :] == np.arange(n_names)[None, :, None]
    other_UKH = other_UH[:, None, :] == np.arange(n_names)[None, :, None]
    empty_U = (own_UH == EMPTY).mean(axis=1)
    name_UKK = np.broadcast_to(np.eye(n_names), (len(own_UH), n_names, n_names))
    parts = [own_UKH, other_UKH, name_UKK, name_UKK * empty_U[:, None, None]]
    if family != "lags":
        own_UK, other_UK = own_UKH.sum(axis=2) / memory, other_UKH.sum(axis=2) / memory
        products = [
            own_UK**2, other_UK**2, own_UK * other_UK, own_UK**3, other_UK**3, own_UK**2 * other_UK,
            own_UK * other_UK**2, own_UK * empty_U[:, None], other_UK * empty_U[:, None],
        ]  # fmt: skip
        parts += [own_UKH & other_UKH, np.stack(products, axis=2)]
        if family == "by_name":
            counts = [own_UK, other_UK, own_UK**2, other_UK**2, own_UK * other_UK]
            parts += [name_UKK * count[:, :, None] for count in counts]
    return np.concatenate([part.astype(float) for part in parts], axis=2)
