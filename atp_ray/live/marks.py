"""What is asked of a round over and over, reckoned once when it is settled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atp_ray.measures.rates import count
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord


class RoundMark(NamedTuple):
    """A settled round: share of decisions that were deviant (NaN where nobody decided), success, capital's Gini."""

    round: int
    rate: float
    success: bool | None
    gini: float


def mark(spec: EpisodeSpec, record: RoundRecord) -> RoundMark:
    """Return a round's mark; `spec` is what was in force in it."""
    rate = count(spec, record.decisions.action_A).rate
    return RoundMark(record.round, rate, record.success, gini(record.capital_after.value_A))


def gini(capital_A: np.ndarray) -> float:
    """Return the Gini coefficient of non-negative capital: 0 where all have the same, towards 1 where one has all."""
    values = np.sort(np.clip(np.asarray(capital_A, dtype=float), 0, None))
    total, n = values.sum(), len(values)
    if total <= 0 or n < 2:
        return 0.0
    return max(0.0, float((2 * np.arange(1, n + 1) - n - 1) @ values / (n * total)))
