"""What the event log holds: one frozen record per settled round, decisions and what they led to."""

from __future__ import annotations

from dataclasses import dataclass

from atp_ray.play.answers import Probed
from atp_ray.play.capital import Capital, FloatArray
from atp_ray.play.decisions import Decisions


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One settled round of one episode, columns over all seats (suffix `_A`).

    `success` is None where there is none; `reward_A` is the round's factor (games) or income, `capital_*` what it led
    to. `probed` is what was answered to the round's probes, which no agent remembers.
    """

    episode_id: str
    round: int
    decisions: Decisions
    reward_A: FloatArray
    capital_before_A: FloatArray
    capital_after: Capital
    success: bool | None
    probed: tuple[Probed, ...] = ()
