"""From decisions to a settled round, and from a settled round to what each seat observes. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.decisions import Decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.parsing import visible_reply
from atp_ray.play.played import PlayedRound
from atp_ray.play.records import RoundRecord
from atp_ray.play.turns import Observation, PublicRound, Turn


def settle_round(spec: EpisodeSpec, settled: Sequence[RoundRecord], decisions: Decisions) -> RoundRecord:
    """Settle the round that follows `settled` (the episode's rounds so far, oldest first)."""
    before = settled[-1].capital_after if settled else None
    played = PlayedRound(len(settled) + 1, decisions.action_A, decisions.solutions_A, before)
    outcome = paradigm(spec.paradigm).environment.settle(spec, played)
    return RoundRecord(
        spec.episode_id,
        played.number,
        decisions,
        outcome.reward_A,
        outcome.before.value_A,
        outcome.after,
        outcome.success,
    )


def observe_round(spec: EpisodeSpec, record: RoundRecord, seats: Sequence[int]) -> Observation:
    """Return what `seats` experienced of a settled round; others' replies travel only if the visibility shows them."""
    shown = tuple(_shown(text) for text in record.decisions.reply_A) if spec.visibility == "replies" else None
    public = PublicRound(record.round, record.decisions.action_A, record.success, shown)
    index = np.array(seats)
    return Observation(
        public,
        tuple(_shown(record.decisions.reply_A[seat]) for seat in seats),
        record.capital_before_A[index],
        record.capital_after.value_A[index],
        tuple(record.decisions.solutions_A[seat] for seat in seats) if record.decisions.solutions_A else (),
    )


def next_turn(spec: EpisodeSpec, settled: Sequence[RoundRecord], seats: tuple[int, ...], *, whole: bool) -> Turn:
    """Return the request that asks `seats` for the round after `settled`.

    Args:
        whole: tell a host that knows nothing, or not enough: the specification and every round of the window. Otherwise
            the last round is all that is new.
    """
    told = settled[-spec.history_window :] if whole else settled[-1:]
    observations = tuple(observe_round(spec, record, seats) for record in told)
    return Turn(spec.episode_id, len(settled) + 1, seats, observations, spec if whole else None)


def _shown(reply: str | None) -> str | None:
    return visible_reply(reply) if reply is not None else None
