"""What the event log holds: one frozen record per settled round, as columns over the seats (suffix `_A`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atp_ray.actions import ActionArray
from atp_ray.problems import Solution
from atp_ray.settlement import Capital
from atp_ray.turns import TurnFailure

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One settled round of one episode.

    `success` is None outside the games. `reply_A` is None where a seat gave no reply; `latency_A` in seconds is NaN for
    players without a model; `reward_A` is the round's factor (games) or income, and `capital_*` what it led
    to; `solutions_A` is empty outside tool usage.
    """

    episode_id: str
    round: int
    action_A: ActionArray
    reply_A: tuple[str | None, ...]
    attempts_A: IntArray
    prompt_tokens_A: IntArray
    completion_tokens_A: IntArray
    latency_A: FloatArray
    reward_A: FloatArray
    capital_before_A: FloatArray
    capital_after: Capital
    success: bool | None
    failures: tuple[TurnFailure, ...] = ()
    solutions_A: tuple[tuple[Solution, ...], ...] = ()
