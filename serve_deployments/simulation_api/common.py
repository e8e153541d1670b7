"""What the routes share: the service, parameters, headers, and the error answers of reading and of changing."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator

from actors.monitor_actions import SYSTEM
from atp_ray.live.fold import MONITOR
from atp_ray.live.schemas import SimulationView
from serve_deployments.simulation_api.problems import responses
from serve_deployments.simulation_api.service import Service
from serve_deployments.simulation_api.views import simulation_view

Answers = dict[int | str, dict[str, Any]]
READ: Answers = responses(
    HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
)
CHANGE: Answers = READ | responses(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.CONFLICT,
    HTTPStatus.LENGTH_REQUIRED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INSUFFICIENT_STORAGE,
)
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=100,
        pattern="^[ -}]+$",
        description="The same call with the same key changes once.",
    ),
]


def _not_reserved(author: str) -> str:
    if author == SYSTEM or author.startswith(MONITOR):
        raise ValueError("the service itself and its monitors go by this name")
    return author


Author = Annotated[
    str,
    Header(alias="X-Author", max_length=100, pattern=r"^[A-Za-z0-9_ .@+-]+$", description="Who does it."),
    AfterValidator(_not_reserved),
]
SimulationId = Annotated[str, Path(pattern="^[0-9a-f]{12}$", examples=["0123456789ab"])]
Seat = Annotated[int, Path(ge=0, le=1_000_000)]
After = Annotated[int, Query(ge=0, le=10**9, description="Only what comes after this number.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Text = Annotated[bool, Query(description="With replies, which may hold injections.")]


async def _service(request: Request) -> Service:
    # A plain function would be run in a thread, for each request.
    found: Service = request.app.state.service
    return found


Simulations = Annotated[Service, Depends(_service)]


async def view_of(service: Service, simulation_id: str) -> SimulationView:
    """Return a simulation as the API shows it."""
    return simulation_view(simulation_id, await service.live(), service.profiles)
