"""The coordinator actor: plays many episodes at once, synchronous rounds inside each, and settles every round once.

A round goes: ask every host, merge the replies, settle, append to the event log, and only then let anyone see it. The
log alone decides what has happened; a coordinator that is restarted continues from it.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

from actors.failure_policy import FailurePolicy
from actors.population import Hosting, Population
from actors.round_player import RoundPlayer
from actors.seats_in_play import Capacity, EpisodeSeats, SeatsInPlay
from atp_ray.measures.cell_rates import round_rates
from atp_ray.measures.rates import Counts, count
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.rounds import next_turn, settle_round
from atp_ray.storage.event_log import EventLog, LogBusyError
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import write_cell

ORPHAN_PATIENCE_S, ORPHAN_POLL_S = 60.0, 0.2


class Progress(NamedTuple):
    """How far a coordinator has come since it started: counts over all its cells.

    `decisions` counts every seat's turn; `deviant`, `decided` and `undecided` those of the seats under study.
    """

    rounds: int
    decisions: int
    deviant: int
    decided: int
    undecided: int
    cells: int


class CellOutcome(NamedTuple):
    """A finished cell: its id and the collusion rate of each round (NaN where nothing was decided)."""

    cell_id: str
    deviant_rates: tuple[float, ...]


class Coordinator:
    """Plays cells into a run folder.

    Args:
        run_dir: the run's folder, on this node or on storage all nodes share.
        population: the agent actors.
        coalesce: turns sent in one call to a host; above 1 pays when decisions are quick.
        cells_at_once: how many cells play together, all their episodes at once; None lets `capacity` decide.
        capacity: what the engines decode at once, this coordinator's share of it; None knows no bound.
    """

    def __init__(
        self,
        run_dir: Path,
        population: Population,
        policy: FailurePolicy,
        coalesce: int = 1,
        cells_at_once: int | None = None,
        capacity: Capacity | None = None,
    ) -> None:
        self._run_dir = run_dir
        self._player = RoundPlayer(population, policy, coalesce)
        self._cells_at_once = None if cells_at_once is None else asyncio.Semaphore(cells_at_once)
        self._seats = SeatsInPlay(capacity if cells_at_once is None else None)
        self._places = itertools.count()
        self._counts = Counts(0, 0, 0)
        self._turns = 0
        self._rounds = 0
        self._cells = 0

    async def progress(self) -> Progress:
        """Return the counts so far."""
        return Progress(self._rounds, self._turns, *self._counts, self._cells)

    async def play(self, cell: CellSpec) -> CellOutcome:
        """Play what is left of `cell`, write its tables, and return its rates; a finished cell is only written again.

        Raises:
            EngineError: a whole round went unanswered; what was settled before is kept.
            StorageError: the log or the tables cannot be written.
        """
        place = next(self._places)
        async with self._cells_at_once or nullcontext():
            return await self._play(cell, place)

    async def _play(self, cell: CellSpec, place: int) -> CellOutcome:
        first = await self._begin(cell.episodes[0], place)
        try:
            log = await _open_log(log_path(self._run_dir, cell.cell_id))
        except BaseException:
            first.leave()
            raise
        try:
            async with asyncio.TaskGroup() as tasks:
                for index, spec in enumerate(cell.episodes):
                    seats = await self._begin(spec, place) if index else first
                    task = tasks.create_task(self._play_episode(spec, index, log, seats))
                    # Not in the task itself: one that is cancelled before it starts runs nothing.
                    task.add_done_callback(lambda _, seats=seats: seats.leave())  # type: ignore[misc]
        except* Exception as group:  # one failure stands for all: they have the same cause
            raise group.exceptions[0] from None
        finally:
            log.close()
        rounds = {spec.episode_id: log.rounds(spec.episode_id) for spec in cell.episodes}
        await asyncio.to_thread(write_cell, self._run_dir, cell, rounds)
        self._cells += 1
        rates = (entry.rate.rate for entry in round_rates(cell, rounds))
        return CellOutcome(cell.cell_id, tuple(math.nan if rate is None else rate for rate in rates))

    async def _begin(self, spec: EpisodeSpec, place: int) -> EpisodeSeats:
        return await self._seats.begin(place, [group.checkpoint for group in spec.seat_groups])

    async def _play_episode(self, spec: EpisodeSpec, index: int, log: EventLog, seats: EpisodeSeats) -> None:
        hostings = self._player.hostings(spec.parameters.n_agents, first_agent=index)
        while len(log.rounds(spec.episode_id)) < spec.rounds:
            await self._play_round(spec, log, hostings, seats)
        self._player.forget(spec.episode_id, hostings)

    async def _play_round(
        self, spec: EpisodeSpec, log: EventLog, hostings: Sequence[Hosting], seats: EpisodeSeats
    ) -> None:
        settled = log.rounds(spec.episode_id)
        turn = partial(next_turn, spec, settled)
        seats.ask()
        decisions = await self._player.decide(
            spec.parameters.n_agents, hostings, turn, whole=not settled, on_answer=seats.answered
        )
        record = settle_round(spec, settled, decisions)
        log.append(record)
        self._rounds += 1
        self._turns += len(decisions.action_A)
        self._counts = Counts(*map(sum, zip(self._counts, count(spec, decisions.action_A), strict=True)))


async def _open_log(path: Path) -> EventLog:
    """Open a log; the coordinator of a command that was killed may hold it until Ray ends it too."""
    deadline = time.monotonic() + ORPHAN_PATIENCE_S
    while True:
        try:
            return EventLog(path)
        except LogBusyError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(ORPHAN_POLL_S)
