"""The coordinator actor: plays many episodes at once, synchronous rounds inside each, and settles every round once.

A round goes: ask every host, merge the replies, settle, append to the event log, and only then let anyone see it. The
log alone decides what has happened; a coordinator that is restarted continues from it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from actors.failure_policy import FailurePolicy
from actors.host_client import HostClient
from actors.population import Hosting, Population
from atp_ray.actions import Action
from atp_ray.cells import CellSpec
from atp_ray.episodes import EpisodeSpec
from atp_ray.errors import EngineError
from atp_ray.rounds import Decisions, merge_replies, observe_round, settle_round
from atp_ray.storage.event_log import EventLog
from atp_ray.storage.records import RoundRecord
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import write_cell
from atp_ray.turns import MemoryGap, Turn, TurnFailure, TurnReply


class Progress(NamedTuple):
    """How far a coordinator has come since it started: counts over all its cells."""

    rounds: int
    decisions: int
    deviant: int
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
        episodes_at_once: bound on the episodes of one cell in play.
    """

    def __init__(
        self,
        run_dir: Path,
        population: Population,
        policy: FailurePolicy,
        coalesce: int = 1,
        episodes_at_once: int = 256,
    ) -> None:
        self._run_dir = run_dir
        self._population = population
        self._hosts = [HostClient(actor, policy, coalesce) for actor in population.actors()]
        self._episodes_at_once = episodes_at_once
        self._actions: Counter[Action] = Counter()
        self._rounds = 0
        self._cells = 0

    async def progress(self) -> Progress:
        """Return the counts so far."""
        deviant, aligned = self._actions[Action.DEVIANT], self._actions[Action.ALIGNED]
        undecided = self._actions[Action.UNPARSED] + self._actions[Action.MISSING]
        return Progress(self._rounds, deviant + aligned + undecided, deviant, undecided, self._cells)

    async def play(self, cell: CellSpec) -> CellOutcome:
        """Play what is left of `cell`, write its tables, and return its rates; a finished cell is only written again.

        Raises:
            EngineError: a whole round went unanswered; what was settled before is kept.
            StorageError: the log or the tables cannot be written.
        """
        log = EventLog(log_path(self._run_dir, cell.cell_id))
        slots = asyncio.Semaphore(self._episodes_at_once)
        try:
            async with asyncio.TaskGroup() as tasks:
                for index, spec in enumerate(cell.episodes):
                    tasks.create_task(self._play_episode(spec, index, log, slots))
        except* Exception as group:  # one failure stands for all: they have the same cause
            raise group.exceptions[0] from None
        finally:
            log.close()
        rounds = {spec.episode_id: log.rounds(spec.episode_id) for spec in cell.episodes}
        await asyncio.to_thread(write_cell, self._run_dir, cell, rounds)
        self._cells += 1
        return CellOutcome(cell.cell_id, _rates(list(rounds.values())))

    async def _play_episode(self, spec: EpisodeSpec, index: int, log: EventLog, slots: asyncio.Semaphore) -> None:
        hostings = self._population.hostings(spec.parameters.n_agents, first_agent=index)
        async with slots:
            while len(log.rounds(spec.episode_id)) < spec.rounds:
                await self._play_round(spec, log, hostings)
        for hosting in hostings:
            self._hosts[hosting.host].forget(spec.episode_id)

    async def _play_round(self, spec: EpisodeSpec, log: EventLog, hostings: Sequence[Hosting]) -> None:
        settled = log.rounds(spec.episode_id)
        answers = await asyncio.gather(*(self._ask(spec, settled, hosting) for hosting in hostings))
        replies = [answer for answer in answers if isinstance(answer, TurnReply)]
        failures = [failure for answer in answers if not isinstance(answer, TurnReply) for failure in answer]
        decisions = merge_replies(spec.parameters.n_agents, replies, failures)
        if _engine_gone(decisions):
            reason = decisions.failures[0].message if decisions.failures else "no reason was given"
            hint = "The rounds settled so far are kept; continue with --resume once the engine answers"
            raise EngineError(f"no agent could decide in round {len(settled) + 1}: {reason}", hint=hint)
        record = settle_round(spec, settled, decisions)
        log.append(record)
        self._rounds += 1
        counts = np.bincount(record.action_A, minlength=len(Action))
        self._actions.update({action: int(counts[action]) for action in Action})

    async def _ask(
        self, spec: EpisodeSpec, settled: Sequence[RoundRecord], hosting: Hosting
    ) -> TurnReply | list[TurnFailure]:
        host, round_number = self._hosts[hosting.host], len(settled) + 1
        latest = tuple(observe_round(spec, record, hosting.seats) for record in settled[-1:])
        turn = Turn(spec.episode_id, round_number, hosting.seats, latest, None if settled else spec)
        answer = await host.ask(turn)
        if isinstance(answer, MemoryGap):
            window = settled[-spec.history_window :]
            history = tuple(observe_round(spec, record, hosting.seats) for record in window)
            answer = await host.ask(Turn(spec.episode_id, round_number, hosting.seats, history, spec))
        if isinstance(answer, MemoryGap):
            raise RuntimeError(f"host {hosting.host} did not take the history of episode {spec.episode_id}")
        if isinstance(answer, TurnFailure):
            return [answer._replace(seat=seat) for seat in hosting.seats]
        return answer


def _engine_gone(decisions: Decisions) -> bool:
    """Return whether nobody could decide and the reason is not the request itself."""
    if (decisions.action_A != Action.MISSING).any() or decisions.solutions_A:
        return False
    refused = [failure.type == "ModelRefused" for failure in decisions.failures]
    # One agent alone whose prompt is turned down is missing; a whole population without an answer cannot go on.
    return len(decisions.action_A) > 1 or not refused or not all(refused)


def _rates(episodes: Sequence[Sequence[RoundRecord]]) -> tuple[float, ...]:
    rates = []
    for records in zip(*episodes, strict=False):
        actions = np.concatenate([record.action_A for record in records])
        decided = actions[(actions == Action.DEVIANT) | (actions == Action.ALIGNED)]
        rates.append(float((decided == Action.DEVIANT).mean()) if decided.size else float("nan"))
    return tuple(rates)
