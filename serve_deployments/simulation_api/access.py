"""Who may ask what: a read token, a control token, limits on body size and time, and on how often somebody changes."""

from __future__ import annotations

import asyncio
import hmac
import time
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atp_ray.config_files import Frozen
from serve_deployments.simulation_api.problems import problem

MOST_BODY_BYTES = 256 * 1024
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
OPEN_PATHS = ("/v1/health", "/openapi.json")
OPEN_FOLDERS = ("/static/",)
MOST_CLIENTS = 10_000
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Access(Frozen):
    """Tokens (None: open to everybody who reaches the port), the time a body may take, and the rate of changes."""

    read_token: str | None = None
    control_token: str | None = None
    body_timeout_s: float = Field(default=10, gt=0)
    changes_per_s: float = Field(default=50, gt=0)
    burst: int = Field(default=500, ge=1)


class Guard:
    """ASGI middleware: refuses what a request may not do before any route sees it."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._buckets: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
            await send(message)

        headers, changing = Headers(scope=scope), scope["method"] in CHANGING
        refused = (
            _foreign_host(headers, self._access)
            or _unauthorised(scope["path"], headers, self._access, changing)
            or _too_large(headers)
        )
        if refused is None and changing and not self._may_change(scope):
            refused = problem(HTTPStatus.TOO_MANY_REQUESTS, "too many changes at once", {"Retry-After": "1"})
        if refused is None and changing:
            try:
                receive = await asyncio.wait_for(_read(receive), self._access.body_timeout_s)
            except TimeoutError:
                # Whoever sends so slowly may not hold the connection either.
                refused = problem(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time", {"Connection": "close"})
        await (refused or self._app)(scope, receive, send_marked)

    def _may_change(self, scope: Scope) -> bool:
        """Take one from the client's token bucket."""
        # Whoever has the one control token shares its bucket, wherever they ask from and however they spell "Bearer".
        known_by_address = self._access.control_token is None and scope.get("client")
        client = scope["client"][0] if known_by_address else ""
        now, burst = time.monotonic(), float(self._access.burst)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.clear()
        left, since = self._buckets.get(client, (burst, now))
        left = min(burst, left + (now - since) * self._access.changes_per_s)
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        return left >= 1


async def _read(receive: Receive) -> Receive:
    """Read the whole body, and return what gives it again; of a body that was broken off nothing is given."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return _first(message, receive)
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return _first({"type": "http.request", "body": body, "more_body": False}, receive)


def _first(message: Message, receive: Receive) -> Receive:
    waiting = [message]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _foreign_host(headers: Headers, access: Access) -> ASGIApp | None:
    """Refuse a page elsewhere whose name was made to lead here; where there are tokens, it has none."""
    name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    if access.control_token is not None or access.read_token is not None or is_loopback(name):
        return None
    return problem(HTTPStatus.MISDIRECTED_REQUEST, f"'{name}' is not this service", {"Connection": "close"})


def is_loopback(name: str) -> bool:
    """Return whether a host name or address is this machine's own."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _unauthorised(path: str, headers: Headers, access: Access, changing: bool) -> ASGIApp | None:
    if not changing and (path == "/" or path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)):
        return None
    if access.read_token is None and access.control_token is None:
        return None
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return problem(HTTPStatus.UNAUTHORIZED, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
    if _same(token, access.control_token):
        return None
    if _same(token, access.read_token):
        return problem(HTTPStatus.FORBIDDEN, "this token may read only") if changing else None
    return problem(HTTPStatus.UNAUTHORIZED, "the token is not known", {"WWW-Authenticate": "Bearer"})


def _same(given: str, expected: str | None) -> bool:
    return expected is not None and hmac.compare_digest(given.encode(), expected.encode())


def _too_large(headers: Headers) -> ASGIApp | None:
    length = headers.get("content-length")
    if headers.get("transfer-encoding"):  # it would overrule a Content-Length beside it
        return problem(HTTPStatus.LENGTH_REQUIRED, "a body needs its Content-Length")
    if length is not None and (not length.isdecimal() or int(length) > MOST_BODY_BYTES):
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {MOST_BODY_BYTES} bytes")
    return None
