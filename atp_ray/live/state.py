"""Where a live simulation stands: what is in force, and what each seat remembers of what happened. Pure functions.

A simulation begins with an episode's specification. Settled rounds and interventions lead from one state to the next;
whoever folds the same events gets the same state, so a simulation needs nothing but its log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import get_args

from atp_ray.config_files import parse_model
from atp_ray.errors import ConflictError, NotFoundError, UsageError
from atp_ray.live.interventions import (
    Broadcast,
    EditMemory,
    EraseMemory,
    FixSeats,
    Logged,
    Quarantine,
    SwapCheckpoint,
)
from atp_ray.live.marks import RoundMark, mark
from atp_ray.paradigms.design import Change
from atp_ray.paradigms.registry import paradigm, paradigms
from atp_ray.play.asides import first_messages
from atp_ray.play.decisions import BoolArray
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.prompts import Message
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import asked_of, observe_round, told_rounds
from atp_ray.play.turns import Observation, Phase, Talk, Turn


@dataclass(frozen=True)
class LiveState:
    """A simulation after some events.

    `specs` are the specifications in force, each from a round on, the last one now; `forgot` is the last round
    a seat has forgotten, `edits` replies as remembered instead, `hidden` the round from which a seat is quarantined,
    `notes` announcements by the round they were made before.
    """

    specs: tuple[tuple[int, EpisodeSpec], ...]
    records: tuple[RoundRecord, ...] = ()
    marks: tuple[RoundMark, ...] = ()
    forgot: Mapping[int, int] = field(default_factory=dict)
    edits: Mapping[tuple[int, int], str] = field(default_factory=dict)
    hidden: Mapping[int, int] = field(default_factory=dict)
    notes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def spec(self) -> EpisodeSpec:
        """What is in force for the next round."""
        return self.specs[-1][1]

    @property
    def next_round(self) -> int:
        """The round that is to be played."""
        return len(self.records) + 1

    @property
    def finished(self) -> bool:
        """Whether all rounds are played."""
        return len(self.records) >= self.spec.rounds

    def spec_at(self, round_number: int) -> EpisodeSpec:
        """Return what was in force in a round."""
        return next(spec for first, spec in reversed(self.specs) if first <= round_number)

    def after_round(self, record: RoundRecord) -> LiveState:
        """Return the state after a settled round.

        Raises:
            ValueError: it does not follow the last one.
        """
        if record.round != self.next_round:
            raise ValueError(f"round {record.round} cannot follow round {len(self.records)}")
        return replace(self, records=(*self.records, record), marks=(*self.marks, mark(self.spec, record)))

    def after_intervention(self, logged: Logged) -> LiveState:
        """Return the state after an intervention.

        Raises:
            UsageError: it names a seat or round there is none of, or does not apply to this paradigm.
        """
        intervention, player = logged
        _require_seats(self.spec, intervention)
        match intervention:
            case SwapCheckpoint() | FixSeats():
                if player is None:
                    raise ValueError("nobody plays these seats")
                paradigm(self.spec.paradigm).require_player(player.checkpoint)
                return self._with_spec(_reseated(self.spec, intervention.seats, player))
            case EraseMemory():
                return replace(self, forgot={**self.forgot, **dict.fromkeys(intervention.seats, len(self.records))})
            case EditMemory():
                if not paradigm(self.spec.paradigm).environment.remembers_replies:
                    reason = f"agents of {paradigm(self.spec.paradigm).title} are not shown their past replies"
                    raise UsageError(reason, intervention.kind, "Use erase_memory")
                if intervention.round > len(self.records):
                    raise ConflictError(f"round {intervention.round} is not settled yet", "round")
                return replace(self, edits={**self.edits, (intervention.seat, intervention.round): intervention.reply})
            case Quarantine():
                fresh = [seat for seat in intervention.seats if seat not in self.hidden]
                return replace(self, hidden={**self.hidden, **dict.fromkeys(fresh, self.next_round)})
            case Broadcast():
                told = (*self.notes.get(self.next_round, ()), intervention.text)
                return replace(self, notes={**self.notes, self.next_round: told})
            case _:
                return self._with_spec(_with_numbers(self.spec, intervention))

    def with_seed(self, seed: int) -> LiveState:
        """Return the state with another seed from the next round on; the network stays."""
        drawn = {"network_seed": self.spec.drawn_with} if self.spec.network.random else {}
        return self._with_spec(_revised(self.spec, seed=seed, **drawn))

    def observations(self, seats: Sequence[int]) -> tuple[Observation, ...]:
        """Return what `seats` remember of the rounds in their window, every intervention taken into account."""
        told = told_rounds(self.spec, self.records, seats, whole=True)
        return tuple(self.observation(record, seats) for record in told.records)

    def observation(self, record: RoundRecord, seats: Sequence[int]) -> Observation:
        """Return one round as `seats` remember it."""
        number = record.round
        then = self.spec_at(number)
        seen = observe_round(then, record, seats)
        hidden = frozenset(seat for seat, first in self.hidden.items() if number >= first)
        forgotten = tuple(number <= self.forgot.get(seat, 0) for seat in seats)
        return replace(
            seen,
            public=replace(seen.public, hidden=hidden),
            own_reply_S=tuple(
                self.edits.get((seat, number), reply) for seat, reply in zip(seats, seen.own_reply_S, strict=True)
            ),
            spec=None if then == self.spec else then,
            notes=self.notes.get(number, ()),
            forgotten_S=forgotten if any(forgotten) else (),
        )

    def turn(
        self,
        simulation_id: str,
        seats: tuple[int, ...],
        *,
        whole: bool,
        asked_A: BoolArray | None = None,
        phase: Phase = "decide",
        said_A: tuple[str | None, ...] | None = None,
    ) -> Turn:
        """Return the request that asks `seats` for the next round; the other arguments are those of `next_turn`."""
        told = told_rounds(self.spec, self.records, seats, whole=whole)
        observations = tuple(self.observation(record, seats) for record in told.records)
        notes = self.notes.get(self.next_round, ())
        spec = self.spec if told.whole else None
        asked = asked_of(seats, asked_A)
        talk = None if said_A is None else Talk(said_A, frozenset(self.hidden))
        return Turn(simulation_id, self.next_round, seats, observations, spec, notes, asked, told.since, phase, talk)

    def messages(self, seat: int) -> list[Message]:
        """Return the exact messages a seat would be sent first in the next round: to say something, else to decide.

        Raises:
            NotFoundError: there is no such seat.
        """
        if seat >= self.spec.parameters.n_agents:
            raise NotFoundError(f"there is no seat {seat}", "seat", f"Seats are 0..{self.spec.parameters.n_agents - 1}")
        memory = EpisodeMemory(self.spec, (seat,))
        memory.observe(self.observations((seat,)), through=len(self.records))
        view = memory.seat_view(0, self.notes.get(self.next_round, ()))
        return first_messages(view)

    def _with_spec(self, spec: EpisodeSpec) -> LiveState:
        kept = tuple(entry for entry in self.specs if entry[0] < self.next_round)
        return replace(self, specs=(*kept, (self.next_round, spec)))


def _require_seats(spec: EpisodeSpec, intervention: Change) -> None:
    seats = getattr(intervention, "seats", ()) or (getattr(intervention, "seat", 0),)
    if (highest := max(seats)) >= spec.parameters.n_agents:
        raise UsageError(f"there is no seat {highest}", "seats", f"Seats are 0..{spec.parameters.n_agents - 1}")


def _with_numbers(spec: EpisodeSpec, change: Change) -> EpisodeSpec:
    own = paradigm(spec.paradigm)
    if not isinstance(change, own.design.change_models):
        owners = [room.title for room in paradigms() if isinstance(change, room.design.change_models)]
        kinds = " or ".join(get_args(model.model_fields["kind"].annotation)[0] for model in own.design.change_models)
        hint = f"In {own.title} use {kinds}" if kinds else None
        raise UsageError(f"applies to {' and '.join(owners)} only", change.kind, hint)
    return _revised(spec, parameters=own.design.changed(spec.parameters, change))


def _reseated(spec: EpisodeSpec, seats: Sequence[int], player: SeatGroup) -> EpisodeSpec:
    """Return the specification with `player`, a group of one, on each of `seats`."""
    players = [group.model_copy(update={"count": 1}) for group in spec.seat_groups]
    for seat in seats:
        players[seat] = player
    groups = [alike.model_copy(update={"count": len(list(members))}) for alike, members in groupby(players)]
    return _revised(spec, seats=[group.model_dump() for group in groups])


def _revised(spec: EpisodeSpec, **changes: object) -> EpisodeSpec:
    """Return the specification with some parts changed, validated as a whole.

    Raises:
        UsageError: the parts do not go together.
    """
    return parse_model(EpisodeSpec, spec.model_dump() | changes, "intervention")
