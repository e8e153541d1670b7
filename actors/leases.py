"""Who needs what runs on a shared cluster: an application ends with the last command that holds it, killed or not.

A command's actors die with it, but what is deployed on Ray Serve outlives it and would keep its GPUs. So each command
holds the applications it uses by a lease, and one actor of the cluster deletes those that nobody holds any more. It
learns of a killed command by the death of an actor that the command owns.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import ray
from ray.actor import ActorHandle

NAMESPACE = "atp_ray"
NAME = "leases"
HEAD_NODE = {"node:__internal_head__": 0.001}


class Cleaner(Protocol):
    """What ends applications; the actors know nothing of Ray Serve."""

    def running(self) -> bool:
        """Return whether Ray Serve runs on this cluster."""
        ...

    def exists(self, application: str) -> bool:
        """Return whether there is such an application."""
        ...

    def delete(self, application: str) -> None:
        """Delete an application, and return when it is gone; whatever goes wrong is not raised."""
        ...

    def shut_down(self) -> None:
        """End Ray Serve if no application is left on it."""
        ...


class Held(NamedTuple):
    """An application of ours: how many commands hold it, and whether it stays when none does."""

    application: str
    holders: int
    kept: bool


class Witness:
    """Lives as long as the command that made it."""

    async def attend(self) -> None:
        """Never return."""
        await asyncio.Event().wait()


class Leases:
    """Holds applications for commands; one such actor in a cluster, as long as anything is held.

    Args:
        make_cleaner: returns what deletes applications; called in the actor.
    """

    def __init__(self, make_cleaner: Callable[[], Cleaner]) -> None:
        self._cleaner = make_cleaner()
        self._holders: dict[str, set[str]] = {}
        self._kept: set[str] = set()
        self._alone: set[str] = set()  # of which a cluster has one; worth nothing without its command
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._starting, self._starter = asyncio.Lock(), ""
        self._ending = False
        self._serve_is_ours: bool | None = None

    async def hold(
        self, holder: str, witness: ActorHandle[Witness], applications: Sequence[str], alone: bool = False
    ) -> list[str]:
        """Hold applications, to be called before they are started.

        Args:
            alone: whether an application that another command holds is left to it.

        Returns:
            The applications held by others; with `alone` nothing was held if there are any.
        """
        async with self._turn:
            self._stay()
            if self._serve_is_ours is None:
                self._serve_is_ours = not await asyncio.to_thread(self._cleaner.running)
            taken = [name for name in applications if self._holders.get(name, set()) - {holder}]
            if not (alone and taken):
                for name in applications:
                    self._holders.setdefault(name, set()).add(holder)
                    if alone:
                        self._alone.add(name)
                self._know(holder, witness)
            return taken

    async def drop(self, holder: str, application: str) -> None:
        """Hold an application no longer that was not there."""
        async with self._turn:
            holders = self._holders.get(application, set())
            holders.discard(holder)
            if not holders and application not in self._kept:
                self._holders.pop(application, None)

    async def take_turn(self, holder: str, witness: ActorHandle[Witness]) -> None:
        """Wait until no other command looks for engines and starts them."""
        async with self._turn:
            self._stay()
            self._know(holder, witness)
        await self._starting.acquire()
        self._starter = holder
        if holder not in self._watches:  # it died in the line
            self._give_turn(holder)

    async def give_turn(self, holder: str) -> None:
        """Let the next command start its engines."""
        self._give_turn(holder)

    async def release(self, holder: str, keep: bool = False) -> None:
        """Let go of all that a command holds, and delete what nobody holds now.

        Args:
            keep: leave what it held on the cluster.
        """
        if watch := self._watches.pop(holder, None):
            watch.cancel()
        if await self._release(holder, keep):
            ray.actor.exit_actor()  # a command that asks now finds no such actor, and starts the next one

    async def stop(self, application: str) -> bool:
        """Keep an application no longer; returns whether it ends now, or only with the commands that hold it."""
        async with self._turn:
            self._kept.discard(application)
            idle = await self._clean()
            ended = application not in self._holders
        if idle:
            ray.actor.exit_actor()
        return ended

    async def held(self) -> list[Held]:
        """Return all applications that are held or kept."""
        return [Held(name, len(self._holders[name]), name in self._kept) for name in sorted(self._holders)]

    def _stay(self) -> None:
        """End a call that came while this actor was ending; its caller asks the next one."""
        if self._ending:
            ray.actor.exit_actor()

    def _know(self, holder: str, witness: ActorHandle[Witness]) -> None:
        if holder not in self._watches:
            self._watches[holder] = asyncio.create_task(self._watch(holder, witness))

    def _give_turn(self, holder: str) -> None:
        if self._starter == holder:
            self._starter = ""
            self._starting.release()

    async def _watch(self, holder: str, witness: ActorHandle[Witness]) -> None:
        try:
            await witness.attend.remote()
        except ray.exceptions.RayError:
            del self._watches[holder]
            if await self._release(holder, keep=False):
                os._exit(0)  # exit_actor is for methods that somebody calls

    async def _release(self, holder: str, keep: bool) -> bool:
        self._give_turn(holder)
        async with self._turn:
            for name in [name for name, holders in self._holders.items() if holder in holders]:
                self._holders[name].discard(holder)
                if keep and name not in self._alone and await asyncio.to_thread(self._cleaner.exists, name):
                    self._kept.add(name)
            return await self._clean()

    async def _clean(self) -> bool:
        """Delete what nobody holds; returns whether nothing is left to hold."""
        for name in [name for name, holders in self._holders.items() if not holders and name not in self._kept]:
            await asyncio.to_thread(self._cleaner.delete, name)
            del self._holders[name]
            self._alone.discard(name)
        if self._holders or self._watches:
            return False
        if self._serve_is_ours:
            await asyncio.to_thread(self._cleaner.shut_down)
        self._ending = True
        return True


def leases_actor(make_cleaner: Callable[[], Cleaner]) -> ActorHandle[Leases]:
    """Return the cluster's actor, started where there is none."""
    remote = ray.remote(num_cpus=0, resources=HEAD_NODE, max_concurrency=1000)(Leases)
    options = {"name": NAME, "namespace": NAMESPACE, "lifetime": "detached", "get_if_exists": True}
    handle: ActorHandle[Leases] = remote.options(**options).remote(make_cleaner)
    return handle


def running_leases() -> ActorHandle[Leases] | None:
    """Return the cluster's actor if there is one."""
    try:
        found: ActorHandle[Leases] = ray.get_actor(NAME, namespace=NAMESPACE)
    except ValueError:
        return None
    return found
