"""The API's line to the simulations: changes go to the host actor, reads are answered from a copy of what it told.

One call waits at the host for whatever happens next to any simulation; however many read or stream, the host is asked
once. A change is in the copy before its answer is given, so whoever changes something can read it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Any

import ray
from ray.actor import ActorHandle

from atp_ray.errors import NotFoundError
from atp_ray.live.creation import Offer
from atp_ray.live.fold import LiveFold
from atp_ray.live.interventions import Intervention
from atp_ray.live.log import Event
from atp_ray.live.simulation import Command, Simulation, Until
from atp_ray.live.store import Change, Feed, Wanted
from serve_deployments.engine_records import READY, read_phase
from serve_deployments.simulation_api.event_texts import EventTexts
from serve_deployments.simulation_api.views import paradigm_view

FEED_WAIT_S = 20.0
RESTART_WAIT_S = 0.5
_logger = logging.getLogger(__name__)


class Service:
    """What the routes need: simulations, changes to them, and what is available.

    Args:
        host_name: the name of the host actor.
        namespace: that of the job which started it.
    """

    def __init__(self, host_name: str, namespace: str, offer: Offer) -> None:
        self.offer = offer
        self.profiles = offer.profiles
        self.paradigms = [paradigm_view(room) for room in offer.paradigms()]
        self._starting = dict(offer.engines)
        self._host_name, self._namespace = host_name, namespace
        self._actor: ActorHandle[Any] | None = None
        self._live = LiveFold()
        self.event_texts = EventTexts(lambda: self._live)
        self._epoch, self._position = "", 0
        self._changed = asyncio.Condition()
        self._taking_in = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None

    async def live(self) -> LiveFold:
        """Return all simulations as they stand."""
        if self._following is None:
            await self._catch_up()
            if self._following is None:
                self._following = asyncio.create_task(self._follow())
        return self._live

    async def starting(self) -> dict[str, str]:
        """Return what the engine of each checkpoint that does not answer yet is doing, by the checkpoint's name."""
        phases = {name: await asyncio.to_thread(read_phase, engine) for name, engine in self._starting.items()}
        self._starting = {name: engine for name, engine in self._starting.items() if phases.get(name) != READY}
        return {name: phase for name, phase in phases.items() if phase != READY}

    async def simulation(self, simulation_id: str) -> Simulation:
        """Return a simulation as it stands.

        Raises:
            NotFoundError: there is none of that id.
        """
        return (await self.live()).simulation(simulation_id)

    async def events(self, simulation_id: str, after: int, wait_s: float) -> Sequence[Event]:
        """Return the events after number `after`, waiting up to `wait_s` for one.

        Raises:
            NotFoundError: there is no such simulation, or no longer.
        """
        live = await self.live()
        if wait_s > 0 and len(live.events(simulation_id)) <= after:
            async with self._changed:
                try:
                    await asyncio.wait_for(
                        self._changed.wait_for(lambda: len(self._live.events(simulation_id)) > after), wait_s
                    )
                except TimeoutError:
                    return ()
        return self._live.events(simulation_id)[after:]

    async def is_over(self, simulation_id: str) -> bool:
        """Return whether nothing more will happen to a simulation; one that was removed is over."""
        return (await self.live()).is_over(simulation_id)

    async def check(self) -> None:
        """Return once the host answers."""
        await self._host().ready.remote()

    async def create(self, wanted: Sequence[Wanted], author: str, until: Until | None = None) -> list[str]:
        """Begin simulations, all or none, and return their ids; with `until` they run at once."""
        keyed = [one._replace(key=one.key or _once()) for one in wanted]
        found: list[str] = await self._host().create.remote(keyed, author, until)
        await self._catch_up()
        return found

    async def control(self, simulation_id: str, command: Command, until: Until, author: str, key: str | None) -> None:
        """Run, pause, step or cancel."""
        await self._host().control.remote(simulation_id, command, until, author, key or _once())
        await self._catch_up()

    async def intervene(self, simulation_id: str, intervention: Intervention, author: str, key: str | None) -> Event:
        """Change something from the next round on."""
        event: Event = await self._host().intervene.remote(simulation_id, intervention, author, key or _once())
        await self._catch_up()
        return event

    async def delete(self, simulation_id: str) -> None:
        """Remove a simulation."""
        known = simulation_id in await self.live()
        try:
            await self._host().delete.remote(simulation_id)
        except ray.exceptions.RayTaskError as error:
            # Where the host died before it answered, Ray has asked it again.
            if not (known and isinstance(error.cause, NotFoundError)):
                raise
        await self._catch_up()

    def _host(self) -> ActorHandle[Any]:
        if self._actor is None:
            self._actor = ray.get_actor(self._host_name, namespace=self._namespace)
        return self._actor

    async def _catch_up(self) -> None:
        while await self._read_on(0):
            pass

    async def _follow(self) -> None:
        while True:
            try:
                await self._read_on(FEED_WAIT_S)
            except ray.exceptions.RayError as error:  # it is being restarted; reads go on from the copy
                _logger.warning("the simulations do not answer: %s", str(error).splitlines()[0])
                self._actor = None
                await asyncio.sleep(RESTART_WAIT_S)
            except Exception:  # whatever it is, the copy must not stand still for good; it is told anew
                _logger.exception("the copy of the simulations could not be brought up to date")
                self._epoch = ""
                await asyncio.sleep(RESTART_WAIT_S)

    async def _read_on(self, wait_s: float) -> bool:
        """Take in what happened since, and return whether anything did."""
        feed: Feed = await self._host().feed.remote(self._epoch, self._position, wait_s)
        async with self._taking_in:
            if feed.epoch != self._epoch:
                return await self._reload(feed)
            # Two calls may have been told the same, in either order.
            fresh = feed.changes[self._position - feed.start :] if feed.start <= self._position else ()
            _take_in(self._live, fresh)
            self._position += len(fresh)
        if fresh:
            await self._announce()
        return bool(fresh)

    async def _reload(self, feed: Feed) -> bool:
        """Replace the copy by what a host that has just started tells; until it is whole, the old one answers."""
        if feed.start > 0:  # told for a life of the host that is over, or by one asked again meanwhile
            return True
        live, epoch, position = LiveFold(), feed.epoch, 0
        while feed.changes:
            _take_in(live, feed.changes)
            position += len(feed.changes)
            feed = await self._host().feed.remote(epoch, position, 0)
            if feed.epoch != epoch:
                return True
        self._live, self._epoch, self._position = live, epoch, position
        await self._announce()
        return True

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _once() -> str:
    # Ray calls again where the host died before it answered; with a key it still acts once.
    return secrets.token_hex(16)


def _take_in(live: LiveFold, changes: Sequence[Change]) -> None:
    for simulation_id, event in changes:
        if event is None:
            live.drop(simulation_id)
        else:
            live.add(simulation_id, event)
