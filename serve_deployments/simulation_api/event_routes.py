"""The event log, as pages and as a stream of server-sent events that resumes where a reader left off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, get_args

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from sse_starlette.sse import EventSourceResponse

from atp_ray.errors import NotFoundError
from atp_ray.live import schemas as s
from atp_ray.live.log import EventKind
from serve_deployments.simulation_api.common import READ, After, Answers, Limit, SimulationId, Simulations, Text
from serve_deployments.simulation_api.service import Service
from serve_deployments.simulation_api.views import event_view

events = APIRouter()
HEARTBEAT_S = 15
WAIT_S = 10.0
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["decisions", *get_args(EventKind)]},
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
_STREAM: Answers = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {"itemSchema": _EVENT}}}
}


@events.get("/simulations/{simulation_id}/log", tags=["events"], responses=READ)
async def list_events(
    service: Simulations, simulation_id: SimulationId, after: After = 0, limit: Limit = 100
) -> s.EventPage:
    """List the events of the log: who did what when. A branch's past is its parent's."""
    state = (await service.simulation(simulation_id)).state
    found = await service.events(simulation_id, after, 0)
    page = [event_view(event, state) for event in found[:limit]]
    return s.EventPage(events=page, next=after + limit if len(found) > limit else None)


@events.get(
    "/simulations/{simulation_id}/events", tags=["events"], response_class=StreamingResponse, responses=READ | _STREAM
)
async def stream_events(
    service: Simulations,
    simulation_id: SimulationId,
    after: After = 0,
    decisions: bool = True,
    text: Text = False,
    follow: bool = True,
    last_event_id: Annotated[str, Header(alias="Last-Event-ID", pattern=r"^[0-9]{0,9}$")] = "",
) -> EventSourceResponse:
    """Stream events as they happen; `Last-Event-ID` resumes after that one, `follow=false` ends with what there is.

    The stream ends when the simulation is finished or cancelled, not while it is paused.

    An event's type is its `kind` and its data an `EventView`. Right before a round come its decisions, as an event
    `decisions` without an id (`RoundDecisions`), so who resumes from an id misses none.
    """
    await service.simulation(simulation_id)
    start = int(last_event_id or after)
    stream = _stream(service, simulation_id, start, follow, (decisions, text))
    return EventSourceResponse(stream, ping=HEARTBEAT_S, sep="\n")


async def _stream(
    service: Service, simulation_id: str, after: int, follow: bool, detail: tuple[bool, bool]
) -> AsyncIterator[bytes]:
    over = False
    while True:
        try:
            found = await service.events(simulation_id, after, WAIT_S if follow and not over else 0)
            for event in found:
                yield service.event_texts.text(simulation_id, event.seq, detail)
                after = event.seq
        except NotFoundError:
            return  # it was deleted; nothing more will happen
        if not follow or (over and not found):
            return
        over = await service.is_over(simulation_id)
