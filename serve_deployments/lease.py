"""A command's hold on what it runs on Ray Serve: where the Ray is shared, that ends with the command."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import ray
from ray import serve
from ray.actor import ActorHandle
from ray.serve.exceptions import RayServeException

from actors.leases import Held, Leases, Witness, leases_actor, running_leases
from atp_ray.errors import EngineError, UsageError
from serve_deployments.http_port import serve_runs
from serve_deployments.prefix_routing import forget_prefixes

TRIES = 5
SERVE_ERRORS = (RayServeException, ray.exceptions.RayError, TimeoutError)


class ServeCleaner:
    """Ends applications on Ray Serve."""

    def running(self) -> bool:
        """Return whether Ray Serve runs on this cluster."""
        return serve_runs()

    def exists(self, application: str) -> bool:
        """Return whether there is such an application."""
        with suppress(*SERVE_ERRORS):
            return serve_runs() and application in serve.status().applications
        return False

    def delete(self, application: str) -> None:
        """Delete an application, and return when it is gone; whatever goes wrong is not raised."""
        with suppress(*SERVE_ERRORS):
            if serve_runs() and (known := serve.status().applications.get(application)) is not None:
                serve.delete(application)
                for deployment in known.deployments:
                    forget_prefixes(application, deployment)

    def shut_down(self) -> None:
        """End Ray Serve if no application is left on it."""
        with suppress(*SERVE_ERRORS):
            if serve_runs() and not serve.status().applications:
                serve.shutdown()


class Lease:
    """Holds applications for as long as a command runs; on the command's own Ray there is nothing to do for it."""

    shared = False

    def hold(self, *applications: str) -> None:
        """Hold applications that others may use too; to be called before they are started."""

    def hold_alone(self, *applications: str) -> None:
        """Hold applications of which a cluster has one.

        Raises:
            UsageError: another command holds one.
        """

    def drop(self, application: str) -> None:
        """Hold an application no longer that was not there."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Look for engines and start them while no other command does."""
        yield


class SharedLease(Lease):
    """Holds applications on a cluster that others use too."""

    shared = True

    def __init__(self) -> None:
        self._holder = secrets.token_hex(8)
        self.witness: ActorHandle[Witness] = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(
            Witness
        ).remote()
        self._leases: ActorHandle[Leases] | None = None

    def hold(self, *applications: str) -> None:
        """Hold applications that others may use too."""
        self._hold(applications, alone=False)

    def hold_alone(self, *applications: str) -> None:
        """Hold applications of which a cluster has one."""
        if taken := self._hold(applications, alone=True):
            hint = "Use the one that runs, stop it first, or give --address local"
            raise UsageError(f"another command serves {taken[0]} on this cluster", "--address", hint)

    def drop(self, application: str) -> None:
        """Hold an application no longer that was not there."""
        self._call(lambda leases: leases.drop.remote(self._holder, application))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Look for engines and start them while no other command does."""
        self._call(lambda leases: leases.take_turn.remote(self._holder, self.witness))
        try:
            yield
        finally:
            self._call(lambda leases: leases.give_turn.remote(self._holder))

    def release(self, keep: bool) -> None:
        """Let go of everything, and return once what nobody holds is gone."""
        if self._leases is not None:
            # The actor ends with the last lease, in the middle of the answer.
            with suppress(ray.exceptions.RayError):
                ray.get(self._leases.release.remote(self._holder, keep))
        ray.kill(self.witness)

    def _hold(self, applications: Sequence[str], *, alone: bool) -> list[str]:
        taken: list[str] = self._call(
            lambda leases: leases.hold.remote(self._holder, self.witness, applications, alone)
        )
        return taken

    def _call(self, ask: Callable[[Any], Any]) -> Any:
        for _ in range(TRIES):
            self._leases = leases_actor(ServeCleaner)
            with suppress(ray.exceptions.RayActorError):  # it was just ending
                return ray.get(ask(self._leases))
        raise EngineError("the cluster does not hold what would be started", hint="See the Ray logs of its head node")


@contextmanager
def leased(shared: bool, keep: bool = False) -> Iterator[Lease]:
    """Hold what a command starts until it ends.

    Args:
        shared: whether the Ray is not the command's own.
        keep: leave what was held on the cluster, for the next command.
    """
    if not shared:
        yield Lease()
        return
    lease = SharedLease()
    try:
        yield lease
    finally:
        lease.release(keep)


def held_applications() -> list[Held]:
    """Return what commands hold on this cluster or have left on it."""
    leases = running_leases()
    held: list[Held] = []
    if leases is not None:
        with suppress(ray.exceptions.RayActorError):  # it was just ending
            held = ray.get(leases.held.remote())
    return held


def stop_application(name: str) -> bool:
    """Let an application that was kept end; returns whether it ends now, or only with the commands that hold it.

    Raises:
        UsageError: there is no such application.
    """
    known = [held.application for held in held_applications()]
    leases = running_leases()
    if name not in known or leases is None:
        listed = ", ".join(known) or "none"
        raise UsageError(f"no engine is called '{name}'", "--stop", f"There are: {listed}")
    try:
        ended: bool = ray.get(leases.stop.remote(name))
    except ray.exceptions.RayActorError:
        return True  # it was the last one
    return ended
