"""The guard alone, without a server: token settings, limits on bodies and changes, one slow client among others."""

import asyncio
import json

import pytest

from serve_deployments.simulation_api.access import MOST_BODY_BYTES, SECURITY_HEADERS, Access, Guard

READ, CONTROL = "look", "steer"
LOCAL = {"host": "127.0.0.1:8000"}


async def app(scope, receive, send) -> None:
    body = (await receive()).get("body", b"") if scope["method"] == "POST" else b""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class Asked:
    """One request to a guard and its answer."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, {}, b""

    async def send(self, message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


async def ask(
    guard: Guard, method="GET", path="/v1/simulations", token=None, body=b"", receive=None,
    client=("127.0.0.1", 1), **headers,
) -> Asked:  # fmt: skip
    given = LOCAL | {"content-length": str(len(body))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        given["authorization"] = f"Bearer {token}"
    scope = {
        "type": "http", "method": method, "path": path, "client": client,
        "headers": [(name.encode(), value.encode()) for name, value in given.items() if value is not None],
    }  # fmt: skip

    async def whole():
        return {"type": "http.request", "body": body, "more_body": False}

    asked = Asked()
    await guard(scope, receive or whole, asked.send)
    return asked


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("token", [None, "", "wrong", "None", READ, CONTROL])
@pytest.mark.parametrize(("read", "control"), [(READ, CONTROL), (READ, None), (None, CONTROL), (None, None)], ids=str)
async def test_a_token_lets_in_where_it_is_set_and_nothing_matches_one_that_is_not(
    read, control, token, method
) -> None:
    answer = await ask(Guard(app, Access(read_token=read, control_token=control)), method, token=token)
    if read is None and control is None:
        expected = 200  # open to everybody who reaches the port
    elif token is not None and token == control:
        expected = 200
    elif token is not None and token == read:
        expected = 200 if method == "GET" else 403
    else:
        expected = 401
    assert answer.status == expected
    assert all(answer.headers[name.lower()] == value for name, value in SECURITY_HEADERS.items())


@pytest.mark.parametrize("path", ["/", "/v1/health", "/openapi.json", "/static/app.js"])
async def test_what_shows_nothing_of_a_simulation_needs_no_token(path) -> None:
    guard = Guard(app, Access(control_token=CONTROL))
    assert (await ask(guard, path=path)).status == 200
    assert (await ask(guard, "POST", path=path)).status == 401
    assert (await ask(guard, path=f"{path}x" if path != "/static/app.js" else "/staticx")).status == 401


async def test_a_token_is_all_that_follows_the_scheme() -> None:
    assert (await ask(Guard(app, Access(control_token="steer left")), token="steer left")).status == 200
    assert (await ask(Guard(app, Access(control_token="left")), token="steer left")).status == 401


@pytest.mark.parametrize(("scheme", "status"), [("Bearer", 200), ("bearer", 200), ("Basic", 401), ("", 401)])
async def test_only_a_bearer_token_counts(scheme, status) -> None:
    guard = Guard(app, Access(control_token=CONTROL))
    assert (await ask(guard, authorization=f"{scheme} {CONTROL}".strip())).status == status


@pytest.mark.parametrize(
    ("access", "host", "status"),
    [
        (Access(), "evil.example", 421),
        (Access(), "127.0.0.1.evil.example:80", 421),
        (Access(), "localhost:1", 200),
        (Access(), "[::1]:8000", 200),
        (Access(read_token=READ), "evil.example", 401),
        (Access(control_token=CONTROL), "evil.example", 401),
    ],
)
async def test_without_tokens_only_this_machines_own_names_are_answered(access, host, status) -> None:
    assert (await ask(Guard(app, access), host=host)).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_length": str(MOST_BODY_BYTES + 1)}, 413),
        ({"content_length": "-1"}, 413),
        ({"content_length": "many"}, 413),
        ({"content_length": None, "transfer_encoding": "chunked"}, 411),
        ({"content_length": "2", "transfer_encoding": "chunked"}, 411),  # the server would believe the latter
        ({"content_length": None}, 200),  # there is none
        ({"content_length": str(MOST_BODY_BYTES)}, 200),
    ],
)
async def test_a_body_says_how_long_it_is_and_is_not_too_long(headers, status) -> None:
    assert (await ask(Guard(app, Access()), "POST", **headers)).status == status


def sending(*messages):
    """What a server hands on, message by message; more than these is never asked for."""
    left = list(messages)

    async def receive():
        return left.pop(0)

    return receive


async def heard(*messages) -> list:
    """What the app is given, in two messages, of a change that comes in these."""
    given = []

    async def listening(scope, receive, send) -> None:
        given.extend([await receive() for _ in range(2)])

    await ask(Guard(listening, Access()), "POST", receive=sending(*messages))
    return given


async def test_a_body_reaches_the_app_as_it_was_sent_and_what_comes_later_too() -> None:
    parts = [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.request", "body": b"cd"}]
    gone = {"type": "http.disconnect"}
    assert await heard(*parts, gone) == [{"type": "http.request", "body": b"abcd", "more_body": False}, gone]
    empty = [{"type": "http.request", "more_body": True}, {"type": "http.request"}]
    assert await heard(*empty, gone) == [{"type": "http.request", "body": b"", "more_body": False}, gone]


async def test_no_part_of_a_body_that_was_broken_off_is_acted_on() -> None:
    gone = {"type": "http.disconnect"}
    assert await heard({"type": "http.request", "body": b"{}", "more_body": True}, gone, gone) == [gone, gone]


async def test_the_body_of_a_refused_change_is_not_waited_for() -> None:
    for refused in (await ask(Guard(app, Access(control_token=CONTROL)), "POST", token="wrong", receive=sending()),
                    await ask(Guard(app, Access()), "POST", host="evil.example", receive=sending())):  # fmt: skip
        assert refused.status in (401, 421)


async def test_what_is_no_request_is_handed_on_as_it_is() -> None:
    handed = []

    async def started(*whole) -> None:
        handed.append(whole)

    given = ({"type": "lifespan"}, sending(), Asked().send)
    await Guard(started, Access(control_token=CONTROL))(*given)
    assert handed == [given]


async def test_every_refusal_is_a_problem_document_that_says_why_and_what_to_do() -> None:
    async def never():
        await asyncio.Event().wait()

    both, hasty = Access(read_token=READ, control_token=CONTROL), Access(body_timeout_s=0.01)
    used_up = Guard(app, Access(changes_per_s=1e-9, burst=1))
    await ask(used_up, "POST")
    asked = {
        (401, "a bearer token is needed"): ask(Guard(app, both)),
        (401, "the token is not known"): ask(Guard(app, both), token="wrong"),
        (403, "this token may read only"): ask(Guard(app, both), "POST", token=READ),
        (408, "the body did not come in time"): ask(Guard(app, hasty), "POST", receive=never),
        (411, "a body needs its Content-Length"): ask(Guard(app, Access()), "POST", transfer_encoding="chunked"),
        (413, f"a body may have {MOST_BODY_BYTES} bytes"): ask(Guard(app, Access()), "POST", content_length="262145"),
        (421, "'evil.example' is not this service"): ask(Guard(app, Access()), host="evil.example:80"),
        (421, "'' is not this service"): ask(Guard(app, Access()), host=None),
        (429, "too many changes at once"): ask(used_up, "POST"),
    }
    to_do = {401: ("www-authenticate", "Bearer"), 408: ("connection", "close"), 421: ("connection", "close"),
             429: ("retry-after", "1")}  # fmt: skip
    for (status, why), asking in asked.items():
        answer = await asking
        assert (answer.status, json.loads(answer.body)["detail"]) == (status, why)
        assert answer.headers["content-type"] == "application/problem+json"
        if status in to_do:
            name, value = to_do[status]
            assert answer.headers[name] == value


async def test_a_slow_body_holds_nobody_up_and_is_ended() -> None:
    async def never():
        await asyncio.Event().wait()

    patient = Guard(app, Access(body_timeout_s=1e6))
    slow = [asyncio.create_task(ask(patient, "POST", receive=never)) for _ in range(100)]
    assert (await ask(patient)).status == 200
    assert (await ask(patient, "POST", body=b"{}")).status == 200
    assert not any(task.done() for task in slow)
    for task in slow:
        task.cancel()
    ended = await ask(Guard(app, Access(body_timeout_s=0.01)), "POST", receive=never)
    assert (ended.status, ended.headers["connection"]) == (408, "close")


async def test_changes_are_limited_by_token_and_reads_are_not(monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr("serve_deployments.simulation_api.access.time.monotonic", lambda: now)
    guard = Guard(app, Access(read_token=READ, control_token=CONTROL, changes_per_s=2, burst=3))

    async def posts(count):
        return [(await ask(guard, "POST", token=CONTROL)).status for _ in range(count)]

    assert await posts(5) == [200, 200, 200, 429, 429]
    assert (await ask(guard, token=CONTROL)).status == 200
    now = 1.0  # two more by now
    assert await posts(3) == [200, 200, 429]
    now = 100.0  # never more than the burst
    assert await posts(4) == [200, 200, 200, 429]


async def test_without_tokens_changes_are_limited_by_address() -> None:
    guard = Guard(app, Access(changes_per_s=1e-9, burst=1))
    here, there = "10.0.0.1", "10.0.0.2"
    asked = [(here, 1), (here, 2), (there, 1), None, None]  # a server on a socket file knows no address
    assert [(await ask(guard, "POST", client=client)).status for client in asked] == [200, 429, 200, 200, 429]


async def test_a_control_token_is_limited_wherever_it_is_used_from_and_however_it_is_sent() -> None:
    guard = Guard(app, Access(control_token=CONTROL, changes_per_s=1e-9, burst=2))
    asked = [("10.0.0.1", "Bearer"), ("10.0.0.2", "bearer"), ("10.0.0.3", "BEARER")]
    answers = [await ask(guard, "POST", client=(host, 1), authorization=f"{way} {CONTROL}") for host, way in asked]
    assert [answer.status for answer in answers] == [200, 200, 429]


@pytest.mark.parametrize(
    ("hosts", "statuses"), [([1, 2, 3, 1], [200, 200, 200, 429]), ([1, 2, 3, 4, 5, 5], [200, 200, 200, 200, 200, 429])]
)
async def test_as_many_addresses_as_are_kept_in_mind_are_limited_and_more_are_still_served(
    monkeypatch, hosts, statuses
) -> None:
    monkeypatch.setattr("serve_deployments.simulation_api.access.MOST_CLIENTS", 3)
    guard = Guard(app, Access(changes_per_s=1e-9, burst=1))
    assert [(await ask(guard, "POST", client=(f"10.0.0.{host}", 1))).status for host in hosts] == statuses
