"""The coordinator actor: plays many episodes at once, synchronous rounds inside each, and settles every round once.

A round goes: ask every host, merge the replies, settle, append to the event log, and only then let anyone see it. The
log alone decides what has happened; a coordinator that is restarted continues from it.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actors.cell_outcomes import CellOutcome, RoundOutcome
from actors.failure_policy import FailurePolicy
from actors.population import Hosting, Population
from actors.round_player import RoundPlayer
from actors.seats_in_play import Capacity, EpisodeSeats, SeatsInPlay
from atp_ray.costs.budget import Account, Budget
from atp_ray.costs.usage import Usage, Usages, add_usages, total_usage, usage_of
from atp_ray.errors import SpendingError
from atp_ray.measures.cell_rates import round_rates
from atp_ray.measures.rates import Counts, count
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import next_turn, settle_round
from atp_ray.storage.event_log import EventLog, LogBusyError
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import write_cell

Rounds = Mapping[str, Sequence[RoundRecord]]
ORPHAN_PATIENCE_S, ORPHAN_POLL_S = 60.0, 0.2


class Progress(NamedTuple):
    """How far a coordinator has come since it started: counts over all its cells.

    `decisions` counts every seat's turn; `deviant`, `decided` and `undecided` those of the seats under study. `usages`
    are what the run has asked of each checkpoint, before this start too.
    """

    rounds: int
    decisions: int
    deviant: int
    decided: int
    undecided: int
    cells: int
    usages: Usages

    def plus(self, other: Progress) -> Progress:
        """Return what both are together."""
        rounds, turns, deviant, decided, undecided, cells = map(sum, zip(self[:-1], other[:-1], strict=True))
        usages = add_usages((self.usages, other.usages))
        return Progress(rounds, turns, deviant, decided, undecided, cells, usages)


NO_PROGRESS = Progress(0, 0, 0, 0, 0, 0, {})


class Coordinator:
    """Plays cells into a run folder.

    Args:
        run_dir: the run's folder, on this node or on storage all nodes share.
        population: the agent actors.
        coalesce: turns sent in one call to a host; above 1 pays when decisions are quick.
        cells_at_once: how many cells play together, all their episodes at once; None lets `capacity` decide.
        capacity: what the engines decode at once, this coordinator's share of it; None knows no bound.
        budget: what the run may take, and took before; one coordinator knows no other's rounds.
    """

    def __init__(
        self,
        run_dir: Path,
        population: Population,
        policy: FailurePolicy,
        coalesce: int = 1,
        cells_at_once: int | None = None,
        capacity: Capacity | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._run_dir = run_dir
        self._budget = budget or Budget()
        self._account = Account(self._budget)
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
        return Progress(self._rounds, self._turns, *self._counts, self._cells, self._account.usages)

    async def play(self, cell: CellSpec) -> CellOutcome:
        """Play what is left of `cell`, write its tables, and return its rates; a finished cell is only written again.

        Raises:
            EngineError: a whole round went unanswered; what was settled before is kept.
            StorageError: the log or the tables cannot be written.
            SpendingError: the run's limit was reached before the cell's last round; what was settled is kept.
        """
        place = next(self._places)
        async with self._cells_at_once or nullcontext():
            return await self._play(cell, place)

    async def _play(self, cell: CellSpec, place: int) -> CellOutcome:
        first = await self._begin(cell.episodes[0], place)
        try:
            self._require_more()
            log = await _open_log(log_path(self._run_dir, cell.cell_id))
        except BaseException:
            first.leave()
            raise
        self._account.found(cell.cell_id, _usages(cell, _settled(cell, log)))
        try:
            async with asyncio.TaskGroup() as tasks:
                for index, spec in enumerate(cell.episodes):
                    seats = await self._begin(spec, place) if index else first
                    task = tasks.create_task(self._play_episode(cell.cell_id, spec, index, log, seats))
                    # Not in the task itself: one that is cancelled before it starts runs nothing.
                    task.add_done_callback(lambda _, seats=seats: seats.leave())  # type: ignore[misc]
        except* Exception as group:  # one failure stands for all: they have the same cause
            raise group.exceptions[0] from None
        finally:
            log.close()
        rounds = _settled(cell, log)
        if any(len(rounds[spec.episode_id]) < spec.rounds for spec in cell.episodes):
            self._require_more()
        await asyncio.to_thread(write_cell, self._run_dir, cell, rounds)
        self._cells += 1
        rates = [entry.rate.rate for entry in round_rates(cell, rounds)]
        return CellOutcome(cell.cell_id, tuple(self._outcome(cell, rounds, *entry) for entry in enumerate(rates)))

    def _outcome(self, cell: CellSpec, rounds: Rounds, index: int, rate: float | None) -> RoundOutcome:
        """Return what the round at `index` came to."""
        usages = _usages(cell, {name: settled[index : index + 1] for name, settled in rounds.items()})
        dollars = self._budget.rates.dollars(usages, gpu_seconds=0.0)
        return RoundOutcome(math.nan if rate is None else rate, total_usage(usages), dollars)

    def _require_more(self) -> None:
        """Raise once the run has reached a limit."""
        if self._account.reached is not None:
            hint = "What is settled is kept; continue with --resume and a higher limit, or none"
            raise SpendingError(f"the run stopped at {self._account.reached}", hint=hint)

    async def _begin(self, spec: EpisodeSpec, place: int) -> EpisodeSeats:
        return await self._seats.begin(place, [group.checkpoint for group in spec.seat_groups])

    async def _play_episode(
        self, cell_id: str, spec: EpisodeSpec, index: int, log: EventLog, seats: EpisodeSeats
    ) -> None:
        """Play what is left of an episode, as far as the run's limits let it."""
        hostings = self._player.hostings(spec.parameters.n_agents, first_agent=index)
        while (done := len(log.rounds(spec.episode_id))) < spec.rounds and self._account.begin_round(spec, done + 1):
            try:
                record = await self._play_round(spec, log, hostings, seats)
                self._account.settle(cell_id, spec, record.decisions, record.probed)
            finally:
                self._account.end_round(spec)
        self._player.forget(spec.episode_id, hostings)

    async def _play_round(
        self, spec: EpisodeSpec, log: EventLog, hostings: Sequence[Hosting], seats: EpisodeSeats
    ) -> RoundRecord:
        settled = log.rounds(spec.episode_id)
        asked_A = paradigm(spec.paradigm).environment.asked(spec, len(settled) + 1)
        played = await self._player.play(
            spec,
            len(settled) + 1,
            hostings,
            partial(next_turn, spec, settled),
            whole=not settled,
            asked_A=asked_A,
            on_ask=lambda: seats.ask(None if asked_A is None else np.flatnonzero(asked_A).tolist()),
            on_answer=seats.answered,
        )
        record = settle_round(spec, settled, played.decisions, played.probed)
        log.append(record)
        decisions = record.decisions
        self._rounds += 1
        self._turns += decisions.n_asked
        self._counts = Counts(*map(sum, zip(self._counts, count(spec, decisions.action_A), strict=True)))
        return record


def _settled(cell: CellSpec, log: EventLog) -> Rounds:
    return {spec.episode_id: log.rounds(spec.episode_id) for spec in cell.episodes}


def _usages(cell: CellSpec, rounds: Rounds) -> dict[str, Usage]:
    """Return what settled rounds of a cell asked of each checkpoint."""
    return add_usages(
        usage_of(spec, record.decisions, record.probed) for spec in cell.episodes for record in rounds[spec.episode_id]
    )


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
