"""Who may do what: every route with every token, hostile requests, and more than the service allows."""

import socket

import httpx
import pytest
from live_service import CONTROL_TOKEN as CONTROL
from live_service import READ_TOKEN as READ
from support import PATIENCE_S

from atp_ray.live.creation import Offer
from serve_deployments.simulation_api.access import MOST_BODY_BYTES, Access
from serve_deployments.simulation_api.app import build_app
from serve_deployments.simulation_api.service import Service

NOBODY = "0123456789ab"
PUBLIC = {"/v1/health"}


def routes() -> list[tuple[str, str]]:
    """Every route and method of the OpenAPI document."""
    document = build_app(Service("none", "none", Offer({}, {}, 1, tools=True)), Access()).openapi()
    return [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]


def test_the_document_has_every_route_that_is_served() -> None:
    assert len(routes()) >= 18


@pytest.mark.parametrize(("method", "path"), routes())
@pytest.mark.parametrize("token", [None, "wrong", READ, CONTROL])
def test_every_route_asks_for_the_right_token(guarded, method, path, token) -> None:
    address = guarded.url + path.format(simulation_id=NOBODY, seat=0, ending="parquet")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    status = httpx.request(method, address, headers=headers, timeout=PATIENCE_S).status_code
    if path in PUBLIC:
        assert status == 200
    elif token in (None, "wrong"):
        assert status == 401
    elif token == READ and method != "GET":
        assert status == 403
    else:
        # Let in: what is asked of nobody is not there, or not well formed.
        assert status in (200, 404, 422)


@pytest.mark.parametrize("header", ["Bearer", "Basic cmVhZC1tZTo=", f"Bearer {READ} x", "Bearer \xff"])
def test_odd_authorization_is_refused(guarded, header) -> None:
    answer = httpx.get(f"{guarded.url}/v1/simulations", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/simulations/../../etc/passwd",
        "/v1/simulations/..%2f..%2fetc%2fpasswd",
        "/v1/simulations/%2e%2e/",
        "/v1/simulations/0123456789AB",
        "/v1/simulations/0123456789ab%00",
        "/v1/simulations/0123456789ab/decisions.csv",
        "/static/../app.py",
        "/static/..%2f..%2f..%2fpyproject.toml",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static//etc/passwd",
    ],
)
def test_no_path_leads_out(guarded, path) -> None:
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=PATIENCE_S) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CONTROL}\r\nConnection: close\r\n\r\n"
        line.sendall(head.encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert int(answer.split()[1]) in (400, 404, 405, 422)
    assert b"root:" not in answer
    assert b"[project]" not in answer


@pytest.mark.parametrize(
    "body",
    [
        {"checkpoint": "/etc/passwd"},
        {"scenario": "../configs/grids/smoke"},
        {"scenario": "/etc/passwd"},
        {"preset": "../grids/smoke"},
        {"players": [{"checkpoint": "/etc", "seats": 2}]},
        {"players": [{"checkpoint": "https://example.org/model", "seats": 2}]},
    ],
)
def test_no_file_or_address_of_a_request_is_opened(guarded, body) -> None:
    answer = httpx.post(f"{guarded.url}/v1/simulations", json=body, headers={"Authorization": f"Bearer {CONTROL}"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_bodies_that_are_too_large_or_without_length_are_refused(guarded) -> None:
    headers = {"Authorization": f"Bearer {CONTROL}"}
    address = f"{guarded.url}/v1/simulations"
    assert httpx.post(address, content=b"x" * (MOST_BODY_BYTES + 1), headers=headers).status_code == 413
    assert httpx.post(address, content=iter([b"{", b"}"]), headers=headers).status_code == 411


def test_many_slow_bodies_are_ended(guarded) -> None:
    head = (
        f"POST /v1/simulations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CONTROL}\r\nContent-Length: 100\r\n\r\n{{"
    )
    lines = [socket.create_connection(("127.0.0.1", guarded.port), timeout=PATIENCE_S) for _ in range(100)]
    for line in lines:
        line.sendall(head.encode())
    assert httpx.get(f"{guarded.url}/v1/health", timeout=PATIENCE_S).is_success
    for line in lines:
        assert int(line.recv(65536).split()[1]) == 408
        line.close()


def test_other_origins_get_no_permission(guarded) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{guarded.url}/v1/simulations", headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.status_code in (401, 405)
