"""Every error answer is a problem document (RFC 9457) with one line that says what, where and what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from ray.exceptions import RayActorError, RayTaskError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from actors.ray_errors import own_error
from atp_ray.config_files import shown_place
from atp_ray.errors import AtpError, ConflictError, EngineError, LimitError, NotFoundError, StorageError
from atp_ray.live.schemas import PROBLEM_TYPE
from atp_ray.paradigms.registry import paradigm_names

_STATUS: tuple[tuple[type[AtpError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (LimitError, HTTPStatus.TOO_MANY_REQUESTS),
    (StorageError, HTTPStatus.INSUFFICIENT_STORAGE),
    (EngineError, HTTPStatus.SERVICE_UNAVAILABLE),
    (AtpError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class Problem(BaseModel):
    """A problem document."""

    type: str = "about:blank"
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["0123456789ab: there is no such simulation"])


def problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a problem document as a response."""
    body = Problem(title=status.phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, headers, PROBLEM_TYPE)


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the error answers of a route for its OpenAPI description."""
    return {
        int(status): {"description": status.phrase, "content": {PROBLEM_TYPE: {"schema": Problem.model_json_schema()}}}
        for status in statuses
    }


def handle_problems(app: FastAPI) -> None:
    """Let the application answer every foreseen error with a problem document."""
    app.add_exception_handler(AtpError, _atp_error)
    app.add_exception_handler(RayTaskError, _task_error)
    app.add_exception_handler(RayActorError, _actor_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)


async def _atp_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AtpError)
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return problem(status, str(error))


async def _task_error(request: Request, error: Exception) -> JSONResponse:
    if isinstance(own := own_error(error), AtpError):
        return await _atp_error(request, own)
    raise error


async def _actor_error(request: Request, error: Exception) -> JSONResponse:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "the simulations are being restarted; try again", {"Retry-After": "2"}
    )


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    # The paradigm by which a body was read says nothing to who asks.
    parts = first["loc"]
    where = shown_place([part for part in parts if part not in paradigm_names() or parts[0] != "body"])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{where}: {first['msg'].removeprefix('Value error, ')}")


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    return problem(HTTPStatus(error.status_code), str(error.detail), headers)


async def _fault(request: Request, error: Exception) -> JSONResponse:
    # What it was stays in the service's log.
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the service; its log has the details")


def _methods(request: Request) -> list[str]:
    """Return what can be asked of a path; each method is a route of its own."""
    found = set[str]()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)
