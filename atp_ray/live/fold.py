"""Simulations from their events: with the events of a simulation, and of what it branches from, it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from atp_ray.errors import ConflictError, NotFoundError, StorageError
from atp_ray.live.log import Event
from atp_ray.live.simulation import OVER, Creation, Parent, Simulation, begin
from atp_ray.live.state import LiveState

MONITOR = "monitor "  # begins the author of what a monitor does


@dataclass
class _Known:
    """A simulation, its events, its branches, and what was in force after each round of its own.

    `after_round` holds states without their rounds: a branch takes these from the parent's.
    """

    events: list[Event]
    simulation: Simulation
    first_round: int
    after_round: list[LiveState]
    children: list[str] = field(default_factory=list)


class LiveFold:
    """Keeps the events of simulations and what they lead to; what a branch leaves must be known before it."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    @property
    def ids(self) -> Sequence[str]:
        """All simulations, in the order in which they were made known."""
        return list(self._known)

    def __contains__(self, simulation_id: str) -> bool:
        return simulation_id in self._known

    def events(self, simulation_id: str) -> Sequence[Event]:
        """Return a simulation's own events, oldest first; a branch's past is its parent's.

        Raises:
            NotFoundError: there is none of that id.
        """
        return self._find(simulation_id).events

    def simulation(self, simulation_id: str) -> Simulation:
        """Return a simulation as it stands.

        Raises:
            NotFoundError: there is none of that id.
        """
        return self._find(simulation_id).simulation

    def children(self, simulation_id: str) -> Sequence[str]:
        """Return the branches that leave a simulation."""
        return tuple(self._find(simulation_id).children)

    def is_over(self, simulation_id: str) -> bool:
        """Return whether nothing more will happen to a simulation: it has ended, and every webhook was told."""
        known = self._known.get(simulation_id)
        if known is None:
            return True
        if known.simulation.status not in OVER:
            return False
        monitors = known.simulation.creation.monitors
        tips = [event.data["monitor"] for event in known.events if event.kind == "tip"]
        told = sum(event.kind == "action" and event.data["what"].startswith("webhook") for event in known.events)
        return bool(told >= sum(monitors[index].webhook is not None for index in tips))

    def begun(self, first: Event) -> Simulation:
        """Return the simulation that a creation event begins.

        Raises:
            NotFoundError, ConflictError: its parent is not known, or has not come that far.
            StorageError: it was made with something that is not here, for example another paradigm.
        """
        try:
            creation = Creation.model_validate(first.data)
        except ValidationError as error:
            reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            hint = "Start the service with the paradigm it needs, or move its folder away"
            raise StorageError(
                f"a simulation cannot be read: {reason}", str(first.data.get("name", "")), hint
            ) from error
        return begin(creation, self._state_at)

    def add(self, simulation_id: str, event: Event, after: Simulation | None = None) -> None:
        """Let an event count.

        Args:
            after: what it leads to, where that is known already.

        Raises:
            UsageError, ValueError: it cannot follow.
        """
        if event.kind == "created":
            simulation = after or self.begun(event)
            state = simulation.state
            self._known[simulation_id] = _Known([event], simulation, len(state.records), [_without_rounds(state)])
            if (parent := simulation.creation.parent) is not None:
                self._known[parent.simulation_id].children.append(simulation_id)
            return
        known = self._find(simulation_id)
        known.simulation = after or known.simulation.after(event)
        known.events.append(event)
        if event.kind == "round":
            known.after_round.append(_without_rounds(known.simulation.state))
        elif event.kind == "intervention" and event.author.startswith(MONITOR):
            # What a monitor does about a round belongs to that round; who branches off there has it too.
            known.after_round[-1] = _without_rounds(known.simulation.state)

    def drop(self, simulation_id: str) -> None:
        """Forget a simulation."""
        known = self._known.pop(simulation_id, None)
        if known is not None and (parent := known.simulation.creation.parent) is not None:
            self._known[parent.simulation_id].children.remove(simulation_id)

    def _find(self, simulation_id: str) -> _Known:
        if simulation_id not in self._known:
            raise NotFoundError("there is no such simulation", simulation_id)
        return self._known[simulation_id]

    def _state_at(self, parent: Parent) -> LiveState:
        """Return the state a simulation was in right after a round; what was changed later is not part of it."""
        known = self._find(parent.simulation_id)
        while parent.round < known.first_round and (above := known.simulation.creation.parent) is not None:
            known = self._find(above.simulation_id)
        rounds = known.simulation.state
        if parent.round > len(rounds.records):
            raise ConflictError(f"round {parent.round} is not settled yet", "round", "Fork at a settled round, or 0")
        then = known.after_round[parent.round - known.first_round]
        return replace(then, records=rounds.records[: parent.round], marks=rounds.marks[: parent.round])


def _without_rounds(state: LiveState) -> LiveState:
    return replace(state, records=(), marks=())
