"""The tip of an episode: the first round from which its deviant rate stays above one half."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

TIP_RATE = 0.5
IntArray = npt.NDArray[np.int64]


def tips(
    episode_N: IntArray, round_N: IntArray, rate_N: npt.NDArray[np.float64], above: float = TIP_RATE
) -> tuple[IntArray, IntArray]:
    """Return the tip of each episode [E] (0 where there is none) and its last round.

    An episode that is above the rate in round 1 already, and stays there, has tipped in round 1.

    Args:
        episode_N: the episode of each played round, counted from 0.
        round_N: the round, from 1 and without gaps within an episode.
        rate_N: its deviant rate; NaN, where nobody decided, is not above anything.
    """
    n_episodes = int(episode_N.max()) + 1 if len(episode_N) else 0
    last_E = np.zeros(n_episodes, dtype=np.int64)
    below_E = np.zeros(n_episodes, dtype=np.int64)
    np.maximum.at(last_E, episode_N, round_N)
    below = ~(rate_N > above)
    np.maximum.at(below_E, episode_N[below], round_N[below])
    return np.where(below_E < last_E, below_E + 1, 0), last_E


def tip(rates: Sequence[float], above: float = TIP_RATE) -> int | None:
    """Return the tip of one series of rates, the first of them that of round 1; None where it does not tip."""
    numbers = np.arange(1, len(rates) + 1)
    tip_E, _ = tips(np.zeros_like(numbers), numbers, np.array(rates, dtype=float), above)
    return int(tip_E[0]) or None if len(tip_E) else None
