"""The actor that plays live simulations: one loop for each that is running, every round settled and logged once.

Whatever kills it, Ray starts it again; it reads the folder and resumes what was running.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from actors.failure_policy import FailurePolicy
from actors.monitor_actions import SYSTEM, MonitorActions
from actors.population import Hosting, Population
from actors.round_player import RoundPlayer
from atp_ray.checkpoint.profiles import Profile
from atp_ray.errors import AtpError, ConflictError, NotFoundError, StorageError
from atp_ray.live.creation import require_served
from atp_ray.live.interventions import Intervention
from atp_ray.live.log import Event
from atp_ray.live.simulation import OVER, Command, Control, Until
from atp_ray.live.store import Feed, LiveStore, Wanted
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.rounds import settle_round
from atp_ray.storage.record_json import record_to_json

MOST_CHANGES = 1000  # told in one call
DISK_WAIT_S = 5.0  # between tries to write a round
LONGEST_REASON = 500
_logger = logging.getLogger(__name__)
_FROM: dict[Command, tuple[str, ...]] = {
    "run": ("paused", "running", "failed"),
    "step": ("paused", "failed"),
    "pause": ("running", "paused"),
    "cancel": ("paused", "running", "failed"),
    "fail": ("running",),
}


class SimulationHost:
    """Plays the simulations of a service.

    Args:
        folder: where their logs are.
        profiles: the checkpoints that may play, by name.
        webhooks: addresses that monitors may notify, by name.
        most: how many simulations there may be.
        most_running: how many play at once; others that run wait for their turn.
        pace_s: minimum time between two rounds of a simulation, seconds.
        tools: whether there is a sandbox to run tool calls in.
    """

    def __init__(
        self,
        folder: Path,
        population: Population,
        profiles: Mapping[str, Profile],
        policy: FailurePolicy,
        webhooks: Mapping[str, str],
        most: int,
        most_running: int,
        pace_s: float,
        tools: bool = True,
    ) -> None:
        self._store = LiveStore(folder, profiles, most)
        self._player = RoundPlayer(population, policy)
        self._profiles = profiles
        self._tools = tools
        self._most_agents = len(population.names) * population.agents_per_actor
        self._slots = asyncio.Semaphore(most_running)
        self._pace_s = pace_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Condition()
        self._stale: set[str] = set()  # simulations whose hosts must be sent the whole window
        self._monitors = MonitorActions(self._store, webhooks, self._stale.add, self._announce)
        self._awake = False
        self._rounds: dict[str, asyncio.Lock] = {}  # held while a round is decided and settled

    async def ready(self) -> int:
        """Go on with what was running before a restart, and return how many simulations there are."""
        if not self._awake:
            self._awake = True
            for simulation_id in self._store.live.ids:
                with suppress(StorageError):  # tried again with the next round
                    self._monitors.watch(simulation_id)
                if self._store.live.simulation(simulation_id).status == "running":
                    self._start(simulation_id)
        return len(self._store.live.ids)

    async def feed(self, epoch: str, after: int, wait_s: float) -> Feed:
        """Return what happened after position `after`, waiting up to `wait_s` for something."""

        def told() -> Feed:
            return self._store.feed(epoch, after, MOST_CHANGES)

        if wait_s > 0:
            async with self._changed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait_for(lambda: told().changes), wait_s)
        return told()

    async def create(self, wanted: Sequence[Wanted], author: str, until: Until | None = None) -> list[str]:
        """Begin simulations, all or none, and return their ids.

        Args:
            until: None leaves them paused; otherwise they run until then.
        """
        for one in wanted:
            self._monitors.check(one.creation.monitors)
        made = self._store.create(wanted, author)
        if until is not None:
            for simulation_id in made:
                self._command(simulation_id, Control(command="run", until=until), author, "~run")
        await self._announce()
        return made

    async def control(self, simulation_id: str, command: Command, until: Until, author: str, key: str | None) -> Event:
        """Run, pause, step or cancel.

        Raises:
            ConflictError: it cannot be done in the simulation's status.
        """
        event = self._command(simulation_id, Control(command=command, until=until), author, key)
        await self._announce()
        return event

    def _command(self, simulation_id: str, control: Control, author: str, key: str | None) -> Event:
        simulation = self._store.live.simulation(simulation_id)
        if self._store.used(simulation_id, key) is None:
            if simulation.status not in _FROM[control.command]:
                raise ConflictError(f"it is {simulation.status} and cannot {control.command}", simulation_id)
            if control.command in ("run", "step"):
                require_served(simulation.state.spec, self._profiles, self._most_agents)
        event = self._store.append(simulation_id, "control", control.model_dump(mode="json"), author, key)
        if self._store.live.simulation(simulation_id).status == "running":
            self._start(simulation_id)
        elif control.command == "cancel" and (task := self._tasks.get(simulation_id)) is not None:
            task.cancel()  # and with it what its round asks of models
        return event

    async def intervene(self, simulation_id: str, intervention: Intervention, author: str, key: str | None) -> Event:
        """Change something from the next round on.

        Raises:
            ConflictError: the simulation is over.
            UsageError: it names a seat, round or checkpoint there is none of.
        """
        self._store.live.simulation(simulation_id)
        # A round in play was decided under what was in force before; the change waits for its end.
        async with self._round(simulation_id):
            status = self._store.live.simulation(simulation_id).status
            if status in OVER and self._store.used(simulation_id, key) is None:
                raise ConflictError(f"it is {status}", simulation_id, "Fork it at an earlier round")
            event = self._store.intervene(simulation_id, intervention, author, key)
            self._stale.add(simulation_id)
        await self._announce()
        return event

    async def delete(self, simulation_id: str) -> None:
        """Remove a simulation that is not running and has no branches."""
        self._store.delete(simulation_id)
        self._tasks.pop(simulation_id, None)
        self._rounds.pop(simulation_id, None)
        self._stale.discard(simulation_id)
        await self._announce()

    def _start(self, simulation_id: str) -> None:
        task = self._tasks.get(simulation_id)
        if task is None or task.done():
            self._stale.add(simulation_id)
            self._tasks[simulation_id] = asyncio.create_task(self._drive(simulation_id))

    async def _drive(self, simulation_id: str) -> None:
        hostings: Sequence[Hosting] = ()
        try:
            spec = self._store.live.simulation(simulation_id).state.spec
            # A restart may have fewer.
            require_served(spec, self._profiles, self._most_agents, tools=self._tools)
            hostings = self._player.hostings(spec.parameters.n_agents)
            async with self._slots:
                while self._store.live.simulation(simulation_id).status == "running":
                    try:
                        await asyncio.gather(self._play_round(simulation_id, hostings), asyncio.sleep(self._pace_s))
                    except StorageError as error:  # the round is played again once there is room for it
                        _logger.warning("%s", error)
                        await asyncio.sleep(DISK_WAIT_S)
        except NotFoundError:
            pass  # it was cancelled and removed while a round was in play
        except AtpError as error:
            await self._fail(simulation_id, str(error))
        except Exception as error:  # a fault of ours must not leave it running in name only
            _logger.exception("simulation %s", simulation_id)
            await self._fail(simulation_id, f"internal error: {error!r}")
        finally:
            self._player.forget(simulation_id, hostings)

    async def _fail(self, simulation_id: str, reason: str) -> None:
        failure = Control(command="fail", reason=reason[:LONGEST_REASON]).model_dump(mode="json")
        with suppress(StorageError, NotFoundError):  # then a restart of the host tries the round again
            self._store.append(simulation_id, "control", failure, SYSTEM)
        await self._announce()

    async def _play_round(self, simulation_id: str, hostings: Sequence[Hosting]) -> None:
        async with self._round(simulation_id):
            self._monitors.watch(simulation_id)  # where the last time was cut off
            simulation = self._store.live.simulation(simulation_id)
            if simulation.status != "running":
                return
            state = simulation.state
            whole = simulation_id in self._stale or not state.records
            self._stale.discard(simulation_id)
            asked_A = paradigm(state.spec.paradigm).environment.asked(state.spec, state.next_round)
            turn = partial(state.turn, simulation_id)
            played = await self._player.play(state.spec, state.next_round, hostings, turn, whole=whole, asked_A=asked_A)
            if self._store.live.simulation(simulation_id).status == "cancelled":
                return
            record = settle_round(state.spec, state.records, played.decisions, played.probed)
            self._store.append(simulation_id, "round", record_to_json(record), SYSTEM)
            self._monitors.watch(simulation_id)
        await self._announce()

    def _round(self, simulation_id: str) -> asyncio.Lock:
        return self._rounds.setdefault(simulation_id, asyncio.Lock())

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()
