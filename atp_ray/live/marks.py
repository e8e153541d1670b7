"""What is asked of a round over and over, reckoned once when it is settled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atp_ray.measures.convergence import NOBODY, Leader, leader
from atp_ray.measures.rates import count
from atp_ray.measures.shares import NO_SHARES, RoundShares, round_shares
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord


class RoundMark(NamedTuple):
    """A settled round: share of decisions that were deviant (NaN where nobody decided), success, capital's Gini.

    `shares` are those of each option where they are told, `leader` is what most of all seats stand by.
    """

    round: int
    rate: float
    success: bool | None
    gini: float
    shares: RoundShares = NO_SHARES
    leader: Leader = NOBODY


def mark(spec: EpisodeSpec, record: RoundRecord) -> RoundMark:
    """Return a round's mark; `spec` is what was in force in it."""
    decisions = record.decisions
    return RoundMark(
        record.round,
        count(spec, decisions.action_A).rate,
        record.success,
        gini(record.capital_after.value_A),
        round_shares(spec, decisions),
        leader(spec, decisions),
    )


def gini(capital_A: np.ndarray) -> float:
    """Return the Gini coefficient of non-negative capital: 0 where all have the same, towards 1 where one has all."""
    values = np.sort(np.clip(np.asarray(capital_A, dtype=float), 0, None))
    total, n = values.sum(), len(values)
    if total <= 0 or n < 2:
        return 0.0
    return max(0.0, float((2 * np.arange(1, n + 1) - n - 1) @ values / (n * total)))
