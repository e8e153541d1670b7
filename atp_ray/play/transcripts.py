"""What every seat of an episode was shown, rebuilt from its settled rounds by the memory that agents have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.asides import first_messages
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.exchanges import Exchange
from atp_ray.play.memory import EpisodeMemory, took_part
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round
from atp_ray.play.talk import SILENCE
from atp_ray.play.turns import Talk


class SeatTurn(NamedTuple):
    """One seat's part of a settled round: its exchanges with its model, one or more; what it said comes first."""

    seat: int
    record: RoundRecord
    exchanges: list[Exchange]


def seat_turns(spec: EpisodeSpec, rounds: Sequence[RoundRecord]) -> Iterator[SeatTurn]:
    """Yield the turns of an episode in which nobody intervened, round by round and seat by seat of those asked."""
    seats = tuple(range(spec.parameters.n_agents))
    memory, environment = EpisodeMemory(spec, seats), paradigm(spec.paradigm).environment
    for record in rounds:
        decisions = record.decisions
        for seat in np.flatnonzero(took_part(decisions.asked_A, seats)).tolist():
            solved = decisions.solutions_A[seat] if decisions.solutions_A else ()
            talk = None if decisions.said_A is None else Talk(decisions.said_A)
            exchanges = environment.exchanges(memory.seat_view(seat, talk=talk), decisions.reply_A[seat], solved)
            if talk is not None:
                said = Exchange(first_messages(memory.seat_view(seat)), talk.said_A[seat] or SILENCE, aside=True)
                exchanges = [said, *exchanges]
            yield SeatTurn(seat, record, exchanges)
        memory.observe([observe_round(spec, record, seats)])
