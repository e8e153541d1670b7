"""The tip: the first round from which the deviant rate stays above one half, to the last round that was played."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

TIPPED_ABOVE = 0.5


def tip_positions(rate_ER: npt.ArrayLike, above: float = TIPPED_ABOVE) -> npt.NDArray[np.int64]:
    """Return where each episode tips [E]: the index of its round (0 is the first), -1 where it does not.

    Args:
        rate_ER: deviant rates by episode and round, NaN where nothing was decided (which is not above anything).
        above: the rate that is to be exceeded from the tip on.
    """
    over_ER = np.asarray(rate_ER, dtype=float) > above
    n_rounds = over_ER.shape[-1]
    kept_E = np.logical_and.accumulate(over_ER[..., ::-1], axis=-1).sum(axis=-1)
    return np.where(kept_E > 0, n_rounds - kept_E, -1).astype(np.int64)


def rounds_before_tip(rate_ER: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return how many rounds each episode played before it tipped [E]; all of them where it did not.

    Its mean is the restricted mean time to tip: the area under the survival curve up to the last round.
    """
    rate_ER = np.asarray(rate_ER, dtype=float)
    at_E = tip_positions(rate_ER)
    return np.where(at_E < 0, rate_ER.shape[-1], at_E).astype(float)
