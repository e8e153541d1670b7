"""What fired monitors do in a live simulation: tell, intervene, notify; each once, whatever is killed in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from actors.webhooks import post
from atp_ray.errors import NotFoundError, ScopeError, StorageError, UsageError, suggestion
from atp_ray.live.fold import MONITOR
from atp_ray.live.interventions import Intervention
from atp_ray.live.log import Event
from atp_ray.live.monitors import Monitor, fired_at
from atp_ray.live.store import LiveStore

SYSTEM = "service"  # the author of what nobody asked for: rounds, tips, failures
_KEY = "~monitor"  # no key of a request begins so


class MonitorActions:
    """Watches the simulations of a store.

    Args:
        webhooks: addresses that monitors may notify, by name.
        intervened: called with a simulation's id when a monitor has changed it.
        announce: lets everybody see what was logged.
    """

    def __init__(
        self,
        store: LiveStore,
        webhooks: Mapping[str, str],
        intervened: Callable[[str], None],
        announce: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._webhooks = webhooks
        self._intervened = intervened
        self._announce = announce
        self._notices: dict[tuple[str, str], asyncio.Task[None]] = {}

    def check(self, monitors: Sequence[Monitor]) -> None:
        """Refuse monitors that name a webhook there is none of.

        Raises:
            UsageError: names it.
        """
        for monitor in monitors:
            if monitor.webhook is not None and monitor.webhook not in self._webhooks:
                hint = suggestion(monitor.webhook, self._webhooks)
                raise UsageError(f"the service has no webhook '{monitor.webhook}'", "monitors", hint)

    def watch(self, simulation_id: str) -> None:
        """Let the monitors see the rounds settled so far; asked again, nothing is done twice.

        Raises:
            StorageError: the log cannot be written; asked again, what is missing is done.
        """
        simulation = self._store.live.simulation(simulation_id)
        events = self._store.live.events(simulation_id)
        tips = {event.data["monitor"]: event for event in events if event.kind == "tip"}
        shared = simulation.creation.parent.round if simulation.creation.parent else 0  # the parent's were told there
        for index, monitor in enumerate(simulation.creation.monitors):
            if index not in tips:
                fired = fired_at(monitor, simulation.state.marks)
                if fired is None or fired <= shared:
                    continue
                data = {"monitor": index, "kind": monitor.kind, "round": fired, "action": monitor.action}
                tips[index] = self._store.append(simulation_id, "tip", data, SYSTEM)
            for number, intervention in enumerate(monitor.interventions):
                self._intervene(simulation_id, index, intervention, f"{_KEY}-{index}-{number}")
            if monitor.webhook is not None:
                self._notify(simulation_id, monitor.webhook, tips[index])

    def _intervene(self, simulation_id: str, monitor: int, intervention: Intervention, key: str) -> None:
        if self._store.used(simulation_id, key) is not None:
            return
        try:
            self._store.intervene(simulation_id, intervention, f"{MONITOR}{monitor}", key)
            self._intervened(simulation_id)
        except (UsageError, ScopeError) as error:  # what was changed since no longer allows it
            self._log(simulation_id, monitor, intervention.kind, str(error), key)

    def _notify(self, simulation_id: str, webhook: str, tip: Event) -> None:
        key = f"{_KEY}-{tip.data['monitor']}-webhook"
        under_way = (simulation_id, key) in self._notices
        if not under_way and self._store.used(simulation_id, key) is None:
            self._notices[simulation_id, key] = asyncio.create_task(self._tell(simulation_id, webhook, tip, key))

    async def _tell(self, simulation_id: str, webhook: str, tip: Event, key: str) -> None:
        """Tell a webhook of a tip and log how it went; after a crash in between it is told again."""
        try:
            address = self._webhooks.get(webhook)
            outcome = "not delivered: no such webhook" if address is None else await post(address, simulation_id, tip)
            self._log(simulation_id, tip.data["monitor"], f"webhook {webhook}", outcome, key)
        except (NotFoundError, StorageError):
            pass  # it was deleted meanwhile, or the disk is full: then a restart tells it again
        finally:
            del self._notices[simulation_id, key]
        await self._announce()

    def _log(self, simulation_id: str, monitor: int, what: str, outcome: str, key: str) -> None:
        data = {"monitor": monitor, "what": what, "outcome": outcome}
        self._store.append(simulation_id, "action", data, SYSTEM, key)
