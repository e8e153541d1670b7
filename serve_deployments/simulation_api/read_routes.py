"""Reading: simulations, rounds, agents, memories, decisions, metrics."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from itertools import groupby, islice
from operator import itemgetter
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from atp_ray.errors import NotFoundError
from atp_ray.live import schemas as s
from atp_ray.live.bodies import preset_names
from atp_ray.live.state import LiveState
from serve_deployments.simulation_api.common import READ, After, Limit, Seat, SimulationId, Simulations, Text, view_of
from serve_deployments.simulation_api.problems import responses
from serve_deployments.simulation_api.views import (
    agent_view,
    decided,
    decision_table,
    metrics_view,
    probe_views,
    round_decisions,
    round_view,
)

reads = APIRouter()
_PARQUET, _ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"


@reads.get("/health", tags=["service"], responses=responses(HTTPStatus.SERVICE_UNAVAILABLE))
async def health(service: Simulations) -> s.Health:
    """Say whether the service answers, and what is available."""
    await service.check()
    views = service.paradigms
    return s.Health(
        status="ok",
        simulations=len((await service.live()).ids),
        checkpoints=list(service.profiles),
        starting=await service.starting(),
        presets=preset_names(),
        scenarios=[name for view in views for name in view.scenarios],
        supervision=[
            choice for view in views for field in view.fields if field.name == "supervision" for choice in field.choices
        ],
        paradigms=views,
        most_agents=service.offer.most_agents,
    )


@reads.get("/simulations", tags=["simulations"], responses=READ)
async def list_simulations(
    service: Simulations,
    after: Annotated[str | None, Query(pattern="^[0-9a-f]{12}$", description="The last one seen.")] = None,
    limit: Limit = 100,
) -> s.SimulationPage:
    """List simulations, oldest first."""
    ids = (await service.live()).ids
    if after is not None and after not in ids:
        raise NotFoundError("there is no such simulation", after)
    start = ids.index(after) + 1 if after is not None else 0
    page = ids[start : start + limit]
    views = [await view_of(service, simulation_id) for simulation_id in page]
    return s.SimulationPage(simulations=views, next=page[-1] if start + limit < len(ids) else None)


@reads.get("/simulations/{simulation_id}", tags=["simulations"], responses=READ)
async def get_simulation(service: Simulations, simulation_id: SimulationId) -> s.SimulationView:
    """Return one simulation."""
    return await view_of(service, simulation_id)


@reads.get("/simulations/{simulation_id}/rounds", tags=["results"], responses=READ)
async def list_rounds(
    service: Simulations, simulation_id: SimulationId, after: After = 0, limit: Limit = 100
) -> s.RoundPage:
    """List settled rounds."""
    state = (await service.simulation(simulation_id)).state
    page = state.records[after : after + limit]
    more = after + limit < len(state.records)
    return s.RoundPage(rounds=[round_view(state, record) for record in page], next=after + limit if more else None)


@reads.get("/simulations/{simulation_id}/agents", tags=["results"], responses=READ)
async def list_agents(
    service: Simulations, simulation_id: SimulationId, after: After = 0, limit: Limit = 100
) -> s.AgentPage:
    """List seats."""
    state = (await service.simulation(simulation_id)).state
    groups = state.spec.seat_groups
    seats = range(len(groups))[after : after + limit]
    page = [agent_view(state, seat, groups[seat].checkpoint) for seat in seats]
    return s.AgentPage(agents=page, next=after + limit if after + limit < len(groups) else None)


@reads.get("/simulations/{simulation_id}/agents/{seat}/memory", tags=["results"], responses=READ)
async def get_memory(service: Simulations, simulation_id: SimulationId, seat: Seat) -> s.MemoryView:
    """Return the exact messages a seat would be sent first in its next round: to say something, else to decide."""
    state = (await service.simulation(simulation_id)).state
    messages = [s.MessageView(**message) for message in state.messages(seat)]
    return s.MemoryView(seat=seat, round=state.next_round, messages=messages)


@reads.get("/simulations/{simulation_id}/decisions", tags=["results"], responses=READ)
async def list_decisions(
    service: Simulations,
    simulation_id: SimulationId,
    round_number: Annotated[int | None, Query(alias="round", ge=1, le=s.MOST_ROUNDS)] = None,
    seat: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
    action: Annotated[s.ActionName | None, Query()] = None,
    text: Text = False,
    after: After = 0,
    limit: Limit = 100,
) -> s.DecisionPage:
    """List decisions in the order of rounds and seats."""
    state = (await service.simulation(simulation_id)).state
    rounds = [number for number in range(1, len(state.records) + 1) if round_number in (None, number)]
    seats = [number for number in range(state.spec.parameters.n_agents) if seat in (None, number)]
    # One more than is shown says whether there are more.
    found = list(islice(decided(state, rounds, seats, action), after, after + limit + 1))
    page: list[s.DecisionView] = []
    for number, of_round in groupby(found[:limit], key=itemgetter(0)):
        page += round_decisions(state, number, [of_seat for _, of_seat in of_round], text)
    return s.DecisionPage(decisions=page, next=after + limit if len(found) > limit else None)


@reads.get("/simulations/{simulation_id}/probes", tags=["results"], responses=READ)
async def list_probes(
    service: Simulations,
    simulation_id: SimulationId,
    round_number: Annotated[int | None, Query(alias="round", ge=1, le=s.MOST_ROUNDS)] = None,
    text: Text = False,
    after: After = 0,
    limit: Limit = 100,
) -> s.ProbePage:
    """List answers to side questions in the order of rounds, questions and seats."""
    state = (await service.simulation(simulation_id)).state
    rounds = [number for number in range(1, len(state.records) + 1) if round_number in (None, number)]
    found = list(islice(probe_views(state, rounds, text), after, after + limit + 1))
    return s.ProbePage(probes=found[:limit], next=after + limit if len(found) > limit else None)


@reads.get(
    "/simulations/{simulation_id}/decisions.{ending}",
    tags=["results"],
    response_class=Response,
    responses=READ | {200: {"description": "A table", "content": {_PARQUET: {}, _ARROW: {}}}},
)
async def download_decisions(
    service: Simulations,
    simulation_id: SimulationId,
    ending: Annotated[str, Path(pattern="^(parquet|arrow)$", examples=["parquet"])],
    text: Text = False,
) -> Response:
    """Download all decisions as Parquet or as an Arrow stream."""
    state = (await service.simulation(simulation_id)).state
    content = await asyncio.to_thread(_written, state, text, ending)
    return Response(content, media_type=_PARQUET if ending == "parquet" else _ARROW)


@reads.get("/simulations/{simulation_id}/metrics", tags=["results"], responses=READ)
async def get_metrics(service: Simulations, simulation_id: SimulationId) -> s.MetricsView:
    """Return rates by round, the tip, and how early each monitor saw it."""
    return metrics_view(await service.simulation(simulation_id), service.profiles)


def _written(state: LiveState, text: bool, ending: str) -> bytes:
    table, sink = decision_table(state, text), pa.BufferOutputStream()
    if ending == "parquet":
        pq.write_table(table, sink, compression="zstd")
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content
