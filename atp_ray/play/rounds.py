"""From decisions to a settled round, and from a settled round to what each seat observes. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.answers import Probed
from atp_ray.play.decisions import BoolArray, Decisions, with_standing
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import took_part
from atp_ray.play.parsing import visible_reply
from atp_ray.play.played import PlayedRound
from atp_ray.play.records import RoundRecord
from atp_ray.play.turns import Observation, Phase, PublicRound, Talk, Turn


def settle_round(
    spec: EpisodeSpec,
    settled: Sequence[RoundRecord],
    decisions: Decisions,
    probed: Sequence[Probed] = (),
) -> RoundRecord:
    """Settle the round that follows `settled` (the episode's rounds so far, oldest first).

    What seats decided last stands where they are not asked. `probed` is kept with the round and changes nothing.
    """
    environment, number = paradigm(spec.paradigm).environment, len(settled) + 1
    if (asked_A := environment.asked(spec, number)) is not None:
        decisions = with_standing(decisions, asked_A, settled[-1].decisions if settled else None)
    before = settled[-1].capital_after if settled else None
    outcome = environment.settle(spec, PlayedRound(number, decisions, before))
    return RoundRecord(
        spec.episode_id,
        number,
        decisions,
        outcome.reward_A,
        outcome.before.value_A,
        outcome.after,
        outcome.success,
        tuple(probed),
    )


def observe_round(spec: EpisodeSpec, record: RoundRecord, seats: Sequence[int]) -> Observation:
    """Return what `seats` experienced of a settled round; others' replies travel only if the visibility shows them."""
    shown = tuple(_shown(text) for text in record.decisions.reply_A) if spec.visibility == "replies" else None
    decisions = record.decisions
    public = PublicRound(
        record.round,
        decisions.action_A,
        record.success,
        shown,
        options_A=decisions.option_A,
        asked_A=decisions.asked_A,
        said_A=decisions.said_A,
    )
    index = np.array(seats)
    return Observation(
        public,
        tuple(_shown(decisions.reply_A[seat]) for seat in seats),
        record.capital_before_A[index],
        record.capital_after.value_A[index],
        tuple(decisions.solutions_A[seat] for seat in seats) if decisions.solutions_A else (),
    )


class Told(NamedTuple):
    """The settled rounds that a host is told with a request; it must know all that matters up to round `since`.

    `whole` says that it is told everything it may know, so that it needs the specification too.
    """

    records: Sequence[RoundRecord]
    since: int
    whole: bool


def told_rounds(spec: EpisodeSpec, settled: Sequence[RoundRecord], seats: Sequence[int], *, whole: bool) -> Told:
    """Return what a host of `seats` is told with the request for the round after `settled`.

    Args:
        whole: for a host that knows nothing, or not enough. Otherwise it was told all when its seats were last asked.
    """
    window, own_turns = spec.history_window, paradigm(spec.paradigm).environment.remembers_own_turns
    last = next((index for index in reversed(range(len(settled))) if _asked_any(settled[index], seats)), -1)
    if whole or last < 0:
        records = _own_rounds(settled, seats, window) if own_turns else settled[-window:]
        return Told(records, records[0].round - 1 if records else len(settled), True)
    return Told(settled[last : last + 1] if own_turns else settled[last:][-window:], last, False)


def next_turn(
    spec: EpisodeSpec,
    settled: Sequence[RoundRecord],
    seats: tuple[int, ...],
    *,
    whole: bool,
    asked_A: BoolArray | None = None,
    phase: Phase = "decide",
    said_A: tuple[str | None, ...] | None = None,
) -> Turn:
    """Return the request that asks `seats` for the round after `settled`.

    Args:
        whole: as in `told_rounds`.
        asked_A: who decides in that round; None for all.
        said_A: what was said in that round; None before it, or where nobody is asked to.
    """
    told = told_rounds(spec, settled, seats, whole=whole)
    observations = tuple(observe_round(spec, record, seats) for record in told.records)
    asked = asked_of(seats, asked_A)
    return Turn(
        spec.episode_id,
        len(settled) + 1,
        seats,
        observations,
        spec if told.whole else None,
        asked=asked,
        since=told.since,
        phase=phase,
        talk=None if said_A is None else Talk(said_A),
    )


def asked_of(seats: tuple[int, ...], asked_A: BoolArray | None) -> tuple[int, ...] | None:
    """Return those of `seats` that are asked; None for all."""
    return None if asked_A is None else tuple(seat for seat in seats if asked_A[seat])


def _own_rounds(settled: Sequence[RoundRecord], seats: Sequence[int], window: int) -> Sequence[RoundRecord]:
    """Return the rounds, oldest first, that hold the last `window` turns of each of `seats`."""
    found, counts_S = list[RoundRecord](), np.zeros(len(seats), dtype=int)
    for record in reversed(settled):
        if (counts_S >= window).all():
            break
        if (took_S := took_part(record.decisions.asked_A, seats)).any():
            found.append(record)
            counts_S += took_S
    return found[::-1]


def _asked_any(record: RoundRecord, seats: Sequence[int]) -> bool:
    return bool(took_part(record.decisions.asked_A, seats).any())


def _shown(reply: str | None) -> str | None:
    return visible_reply(reply) if reply is not None else None
