"""Changing: make and remove simulations, control them, intervene. Every call is done once per idempotency key."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter

from atp_ray.live import schemas as s
from atp_ray.live.bodies import SimulationBody
from atp_ray.live.creation import episode_of
from atp_ray.live.interventions import Intervention
from atp_ray.live.simulation import Creation
from atp_ray.live.store import Wanted
from serve_deployments.simulation_api.common import CHANGE, Author, Key, SimulationId, Simulations, view_of
from serve_deployments.simulation_api.views import event_view

changes = APIRouter()


@changes.post("/simulations", tags=["simulations"], status_code=HTTPStatus.CREATED, responses=CHANGE)
async def create_simulation(
    service: Simulations, body: SimulationBody, key: Key = None, author: Author = "anonymous"
) -> s.SimulationView:
    """Make a simulation; it is paused until it is told to run."""
    episode = episode_of(body, service.offer)
    creation = Creation(name=body.name or body.scenario, episode=episode, monitors=body.monitors)
    (made,) = await service.create([Wanted(creation, key=key)], author)
    return await view_of(service, made)


@changes.delete(
    "/simulations/{simulation_id}", tags=["simulations"], status_code=HTTPStatus.NO_CONTENT, responses=CHANGE
)
async def delete_simulation(service: Simulations, simulation_id: SimulationId) -> None:
    """Remove a simulation that is not running and has no branches."""
    await service.delete(simulation_id)


@changes.post("/simulations/{simulation_id}/control", tags=["control"], responses=CHANGE)
async def control_simulation(
    service: Simulations,
    simulation_id: SimulationId,
    body: s.NewControl,
    key: Key = None,
    author: Author = "anonymous",
) -> s.SimulationView:
    """Run, run until a condition, pause at the round's end, play one step, or cancel."""
    await service.control(simulation_id, body.command, body.until, author, key)
    return await view_of(service, simulation_id)


@changes.post(
    "/simulations/{simulation_id}/interventions",
    tags=["control"],
    status_code=HTTPStatus.CREATED,
    responses=CHANGE,
)
async def intervene(
    service: Simulations,
    simulation_id: SimulationId,
    body: Intervention,
    key: Key = None,
    author: Author = "anonymous",
) -> s.EventView:
    """Change something from the next round on; a round in play is waited for."""
    event = await service.intervene(simulation_id, body, author, key)
    return event_view(event, (await service.simulation(simulation_id)).state)
