"""Events as the stream writes them; each is written once, however many readers there are."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sse_starlette.event import ServerSentEvent

from atp_ray.live.fold import LiveFold
from atp_ray.live.schemas import RoundDecisions
from serve_deployments.simulation_api.views import event_view, round_decisions

KEPT = 512


class EventTexts:
    """Writes events and keeps the latest.

    Args:
        live: gives the simulations as they stand.
    """

    def __init__(self, live: Callable[[], LiveFold]) -> None:
        self._live = live
        # An event never changes, so what was written once stays right.
        self.text = lru_cache(KEPT)(self._text)

    def _text(self, simulation_id: str, seq: int, detail: tuple[bool, bool]) -> bytes:
        """Return the bytes of event `seq`.

        Args:
            detail: whether a round comes with its decisions, and these with their replies.
        """
        live, (decisions, text) = self._live(), detail
        event, state = live.events(simulation_id)[seq - 1], live.simulation(simulation_id).state
        view = event_view(event, state)
        written = _written(view.model_dump_json(), view.kind, str(seq))
        if view.kind != "round" or not decisions:
            return written
        number = event.data["round"]
        seats = range(state.spec.parameters.n_agents)
        told = RoundDecisions(round=number, decisions=round_decisions(state, number, seats, text))
        return _written(told.model_dump_json(), "decisions", None) + written


def _written(data: str, kind: str, seq: str | None) -> bytes:
    return ServerSentEvent(data, event=kind, id=seq, sep="\n").encode()
