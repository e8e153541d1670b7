"""What every seat of an episode was shown, rebuilt from its settled rounds by the memory that agents have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.exchanges import Exchange
from atp_ray.play.memory import EpisodeMemory, took_part
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round


class SeatTurn(NamedTuple):
    """One seat's part of a settled round: its exchanges with its model, one or more."""

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
            exchanges = environment.exchanges(memory.seat_view(seat), decisions.reply_A[seat], solved)
            yield SeatTurn(seat, record, exchanges)
        memory.observe([observe_round(spec, record, seats)])
