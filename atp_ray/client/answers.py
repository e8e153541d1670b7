"""What a service answers: views, or the error its problem document stands for; and when to ask again."""

from __future__ import annotations

from http import HTTPStatus
from typing import TypeVar

import httpx
from httpx_sse import ServerSentEvent
from pydantic import TypeAdapter

from atp_ray.client.calls import Call
from atp_ray.errors import AtpError, ConflictError, EngineError, LimitError, NotFoundError, UsageError
from atp_ray.live.schemas import PROBLEM_TYPE, EventView, RoundDecisions

T = TypeVar("T")
TRIES = 8
_RESTARTING = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
PREFIX = "/v1"
ARROW = "decisions.arrow"
_ERRORS: dict[int, type[AtpError]] = {404: NotFoundError, 409: ConflictError, 429: LimitError}


def headers(token: str | None, author: str | None) -> dict[str, str]:
    """Return the headers of every request."""
    found = {"X-Author": author} if author else {}
    return found | ({"Authorization": f"Bearer {token}"} if token else {})


def request(call: Call[T]) -> dict[str, object]:
    """Return a call as arguments of `httpx.Client.request`."""
    key = {"Idempotency-Key": call.key} if call.key else {}
    return {"method": call.method, "url": PREFIX + call.path, "json": call.body, "params": call.params, "headers": key}


def again_after(answer: httpx.Response | httpx.TransportError, attempt: int) -> float | None:
    """Return how many seconds to wait before the next try, None where there shall be none."""
    passing = isinstance(answer, httpx.TransportError) or _restarting(answer) or "retry-after" in answer.headers
    if not passing or attempt + 1 >= TRIES:
        return None
    return float(min(0.25 * 2**attempt, 4.0))


def read(answer: httpx.Response, kind: type[T]) -> T:
    """Return the view in an answer.

    Raises:
        AtpError: the service refused; says what, where and what to do.
    """
    require_success(answer)
    return TypeAdapter(kind).validate_json(answer.content or b"null")


def require_success(answer: httpx.Response) -> None:
    """Raise what an error answer stands for.

    Raises:
        NotFoundError, ConflictError, LimitError, UsageError: as the service says.
        EngineError: the service itself fails.
    """
    if answer.is_success:
        return
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200] or answer.reason_phrase
    if answer.status_code in (401, 403):
        raise UsageError(detail, str(answer.url), "Give token=...")
    kind = _ERRORS.get(answer.status_code, EngineError if answer.is_server_error else UsageError)
    raise kind(detail)


def require_stream(answer: httpx.Response) -> None:
    """Raise what an error answer to a stream stands for, as `require_success`.

    Raises:
        httpx.TransportError: it is being restarted.
    """
    if _restarting(answer):
        raise httpx.ReadError(f"status {answer.status_code}")
    require_success(answer)


def _restarting(answer: httpx.Response) -> bool:
    # The proxy answers 500 where the service died under a request; the service's own faults are problem documents.
    by_proxy = answer.is_server_error and not answer.headers.get("content-type", "").startswith(PROBLEM_TYPE)
    return by_proxy or answer.status_code in _RESTARTING


def read_event(sent: ServerSentEvent) -> EventView | RoundDecisions:
    """Return an event of the stream."""
    kind: type[EventView | RoundDecisions] = RoundDecisions if sent.event == "decisions" else EventView
    return kind.model_validate_json(sent.data)


def unreachable(url: str, error: httpx.TransportError) -> EngineError:
    """Return the error for a service that does not answer."""
    reason = str(error) or type(error).__name__
    return EngineError(f"does not answer: {reason}", url, "Start it: python -m atp_ray.serve")
