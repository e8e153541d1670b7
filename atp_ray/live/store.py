"""All live simulations of a service, in one folder: what is on disk is all there is, so they survive any kill."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import ConflictError, LimitError, StorageError
from atp_ray.live.creation import require_scope, to_log
from atp_ray.live.fold import LiveFold
from atp_ray.live.interventions import Intervention, asked
from atp_ray.live.log import Event, EventKind, LiveLog
from atp_ray.live.monitors import Monitor
from atp_ray.live.simulation import Creation, Simulation

LOG_FILE = "log.jsonl"
_ID = re.compile(r"[0-9a-f]{12}")
_PARTIAL = ".partial-"


class Wanted(NamedTuple):
    """A simulation to be made: what it is, what is changed in it at once, and the key of the call that asks for it."""

    creation: Creation
    interventions: tuple[Intervention, ...] = ()
    key: str | None = None


class Change(NamedTuple):
    """One event of one simulation; None: the simulation was removed."""

    simulation_id: str
    event: Event | None


class Feed(NamedTuple):
    """A stretch of all that happened to all simulations: `changes` follow the first `start`.

    Positions count within one `epoch`, the life of one store; with another epoch everything is told anew.
    """

    epoch: str
    start: int
    changes: Sequence[Change]


class LiveStore:
    """Opens every simulation in `folder`, and writes each event before it counts.

    Args:
        profiles: the checkpoints that may play, by name.
        most: how many simulations there may be.

    Raises:
        StorageError: the folder cannot be read or written.
    """

    def __init__(self, folder: Path, profiles: Mapping[str, Profile], most: int) -> None:
        self._folder = folder
        self._profiles = profiles
        self._most = most
        self._logs: dict[str, LiveLog] = {}
        self._epoch = secrets.token_hex(6)
        self._changes: list[Change] = []
        self.live = LiveFold()
        for path in folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(path, ignore_errors=True)
        paths = [path for path in folder.glob(f"*/{LOG_FILE}") if _ID.fullmatch(path.parent.name)]
        logs = [log for log in map(LiveLog, paths) if log.events]
        for simulation_id, log in _parents_first(logs):
            self._logs[simulation_id] = log
            for event in log.events:
                self._count(simulation_id, event)

    def feed(self, epoch: str, after: int, most: int) -> Feed:
        """Return up to `most` changes after position `after`; from the first one where `epoch` is not this store's."""
        start = after if epoch == self._epoch else 0
        return Feed(self._epoch, start, self._changes[start : start + most])

    def create(self, wanted: Sequence[Wanted], author: str) -> list[str]:
        """Begin simulations, all or none, and return their ids; for a key used before, what it began then.

        Each is there with all its interventions or, after a crash, not at all; then the same call makes the rest.

        Raises:
            LimitError: there are too many.
            ConflictError: a key was used for another call, or the parent has not come that far.
            ScopeError: a checkpoint was not trained on it.
            NotFoundError, UsageError: the parent does not exist, or an intervention does not apply.
        """
        events = [self._events_of(one) for one in wanted]
        by_key = {log.events[0].key: simulation_id for simulation_id, log in self._logs.items()}
        made = [by_key.get(one.key) if one.key is not None else None for one in wanted]
        for simulation_id, one in zip(made, events, strict=True):
            if simulation_id is not None:
                _require_same(_made_at_once(self._logs[simulation_id].events), one)
        if len(self._logs) + made.count(None) > self._most:
            raise LimitError(
                f"there may be {self._most} simulations and there are {len(self._logs)}", hint="Delete some"
            )
        for simulation_id, one, asked_for in zip(made, events, wanted, strict=True):
            if simulation_id is None:
                self._try(one, asked_for.creation.monitors)
        return [
            simulation_id or self._begin(one, author, key)
            for simulation_id, one, (_, _, key) in zip(made, events, wanted, strict=True)
        ]

    def used(self, simulation_id: str, key: str | None) -> Event | None:
        """Return the event that an earlier call with this key made.

        Raises:
            NotFoundError: there is no such simulation.
        """
        self.live.events(simulation_id)
        return self._logs[simulation_id].with_key(key)

    def append(
        self, simulation_id: str, kind: EventKind, data: dict[str, Any], author: str, key: str | None = None
    ) -> Event:
        """Write an event and let it count; a key used before changes nothing.

        Raises:
            NotFoundError: there is no such simulation.
            ConflictError: the key was used for another call.
            UsageError, ValueError: it cannot follow; nothing is written.
        """
        if (known := self.used(simulation_id, key)) is not None:
            _require_same([known], [(kind, data)])
            return known
        log = self._logs[simulation_id]
        after = self.live.simulation(simulation_id).after(Event(len(log.events) + 1, kind, "", author, key, data))
        if kind == "intervention":
            require_scope(after.state, self._profiles)
        event = log.append(kind, data, author, key)
        self._count(simulation_id, event, after)
        return event

    def intervene(self, simulation_id: str, intervention: Intervention, author: str, key: str | None = None) -> Event:
        """Write an intervention and let it count, as `append`."""
        data = to_log(intervention, self._profiles).data()
        return self.append(simulation_id, "intervention", data, author, key)

    def delete(self, simulation_id: str) -> None:
        """Remove a simulation and its files.

        Raises:
            NotFoundError: there is none of that id.
            ConflictError: it is running, or branches share its past.
        """
        if self.live.simulation(simulation_id).status == "running":
            raise ConflictError("it is running", simulation_id, "Pause or cancel it first")
        if children := self.live.children(simulation_id):
            raise ConflictError(f"{len(children)} branches share its past", simulation_id, "Delete them first")
        partial = self._folder / f"{_PARTIAL}{simulation_id}"
        (self._folder / simulation_id).rename(partial)
        shutil.rmtree(partial, ignore_errors=True)
        self._logs.pop(simulation_id)
        self.live.drop(simulation_id)
        # Positions stay as they are; what was told of it is not kept.
        self._changes = [Change(name, None if name == simulation_id else event) for name, event in self._changes]
        self._changes.append(Change(simulation_id, None))

    def _events_of(self, wanted: Wanted) -> list[tuple[EventKind, dict[str, Any]]]:
        events: list[tuple[EventKind, dict[str, Any]]] = [("created", wanted.creation.model_dump(mode="json"))]
        return events + [("intervention", to_log(one, self._profiles).data()) for one in wanted.interventions]

    def _try(self, events: Sequence[tuple[EventKind, dict[str, Any]]], monitors: Sequence[Monitor]) -> None:
        """Raise what would go wrong in making a simulation, or when one of its monitors intervenes."""
        (_, created), *interventions = events
        simulation = self.live.begun(Event(1, "created", "", "", None, created))
        require_scope(simulation.state, self._profiles)
        for _, data in interventions:
            simulation = self._tried(simulation, data)
        for monitor in monitors:
            for intervention in monitor.interventions:
                self._tried(simulation, to_log(intervention, self._profiles).data())

    def _tried(self, simulation: Simulation, data: dict[str, Any]) -> Simulation:
        after = simulation.after(Event(2, "intervention", "", "", None, data))
        require_scope(after.state, self._profiles)
        return after

    def _begin(self, events: Sequence[tuple[EventKind, dict[str, Any]]], author: str, key: str | None) -> str:
        simulation_id = secrets.token_hex(6)
        partial, folder = self._folder / f"{_PARTIAL}{simulation_id}", self._folder / simulation_id
        log = LiveLog(partial / LOG_FILE)
        try:
            for index, (kind, data) in enumerate(events):
                log.append(kind, data, author, key if index == 0 else None)
        except StorageError:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        partial.rename(folder)
        log.path = folder / LOG_FILE
        self._logs[simulation_id] = log
        for event in log.events:
            self._count(simulation_id, event)
        return simulation_id

    def _count(self, simulation_id: str, event: Event, after: Simulation | None = None) -> None:
        self.live.add(simulation_id, event, after)
        self._changes.append(Change(simulation_id, event))


def _made_at_once(events: Sequence[Event]) -> list[Event]:
    """Return a simulation's first event and the interventions made with it; those made later have a key."""
    later = takewhile(lambda event: event.kind == "intervention" and event.key is None, events[1:])
    return [events[0], *later]


def _require_same(known: Sequence[Event], events: Sequence[tuple[EventKind, dict[str, Any]]]) -> None:
    if [(event.kind, asked(event.data)) for event in known] != [(kind, asked(data)) for kind, data in events]:
        raise ConflictError(f"key '{known[0].key}' was used for another call", "Idempotency-Key", "Choose a new one")


def _parents_first(logs: Iterable[LiveLog]) -> Iterator[tuple[str, LiveLog]]:
    """Yield simulations oldest first, but none before its parent: clocks count milliseconds, and may be set back."""
    oldest_first = sorted(logs, key=lambda log: (log.events[0].time, log.path))
    waiting = {log.path.parent.name: log for log in oldest_first}
    while waiting:
        line = {next(iter(waiting)): None}
        while (parent := _parent(waiting[next(reversed(line))])) in waiting and parent not in line:
            line[parent] = None
        for simulation_id in reversed(line):
            yield simulation_id, waiting.pop(simulation_id)


def _parent(log: LiveLog) -> str:
    parent = log.events[0].data.get("parent")
    return str(parent["simulation_id"]) if parent else ""
