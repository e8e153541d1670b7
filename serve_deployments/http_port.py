"""Serve's HTTP port: checked before anything starts, opened, and waited for where the machine is slow."""

from __future__ import annotations

import secrets
import socket
import time
from contextlib import suppress

import ray
from ray import serve
from ray.serve.config import ProxyLocation
from ray.serve.schema import ProxyStatus

from atp_ray.errors import EngineError, UsageError

HTTP_TIMEOUT_S = 180.0
SERVE_CONTROLLER, SERVE_NAMESPACE = "SERVE_CONTROLLER_ACTOR", "serve"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000
_FIRST, _LAST = 15_000, 30_000  # below what Ray Serve takes by itself, and what the system gives away


def start_serve(shared: bool) -> None:
    """Start Ray Serve for agents, who come by handle: without an HTTP port, or on a shared cluster with one.

    There the port is for `serve`, which may be run while this command is, and Serve opens no port later.
    """
    if not shared:
        serve.start(proxy_location="Disabled")
    elif not serve_runs():
        port = DEFAULT_PORT if _is_free(DEFAULT_HOST, DEFAULT_PORT) else free_port(DEFAULT_HOST)
        with suppress(ray.exceptions.RayActorError, TimeoutError):  # nothing here waits for it
            serve.start(proxy_location="EveryNode", http_options={"host": DEFAULT_HOST, "port": port})


def serve_runs() -> bool:
    """Return whether Ray Serve runs on this cluster."""
    try:
        ray.get_actor(SERVE_CONTROLLER, namespace=SERVE_NAMESPACE)
    except ValueError:
        return False
    return True


def open_http(host: str, port: int) -> None:
    """Open Serve's HTTP port and wait until it is; where Serve runs already, see that this is its port.

    Raises:
        UsageError: it is in use, out of range or not permitted, or Serve has another one.
        EngineError: it does not open in time.
    """
    if serve_runs():
        _require_same(host, port)
    else:
        require_free_port(host, port)
    # On a busy machine Serve gives up on a slow proxy, starts another and gives that one longer.
    with suppress(ray.exceptions.RayActorError, TimeoutError):
        serve.start(proxy_location="EveryNode", http_options={"host": host, "port": port})
    _require_same(host, port)  # another command may have started Serve in this very moment
    deadline = time.monotonic() + HTTP_TIMEOUT_S
    while not _proxies_are_healthy():
        if time.monotonic() > deadline:
            what = f"the HTTP port {host}:{port} did not open within {HTTP_TIMEOUT_S:.0f} s"
            raise EngineError(what, hint="Is the machine overloaded? Try again when it is not")
        time.sleep(0.2)


def _require_same(host: str, port: int) -> None:
    controller = ray.get_actor(SERVE_CONTROLLER, namespace=SERVE_NAMESPACE)
    deadline = time.monotonic() + HTTP_TIMEOUT_S
    while (location := ray.get(controller.get_proxy_location.remote())) is None and time.monotonic() < deadline:
        time.sleep(0.2)  # it is just starting
    if location in (None, ProxyLocation.Disabled):
        hint = "Stop what runs on it, or give --address local"
        raise UsageError("Ray Serve runs on this cluster without an HTTP port", "--address", hint)
    known = ray.get(controller.get_http_config.remote())
    if (known.host, known.port) != (host, port):
        hint = f"Give --host {known.host} --port {known.port}, or --address local"
        raise UsageError(f"Ray Serve already runs on this cluster, at {known.host}:{known.port}", "--port", hint)


def _proxies_are_healthy() -> bool:
    proxies = serve.status().proxies.values()
    return bool(proxies) and all(proxy == ProxyStatus.HEALTHY for proxy in proxies)


def require_free_port(host: str, port: int) -> None:
    """Check that `port` can be bound.

    Raises:
        UsageError: it is in use, out of range or not permitted.
    """
    if not 0 < port < 65536:
        raise UsageError(f"port {port} is out of range", "--port", "Use 1024..65535")
    try:
        _bind(host, port)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot listen on {host}:{port}: {reason}", "--port", "Choose another port") from error


def _is_free(host: str, port: int) -> bool:
    try:
        _bind(host, port)
    except OSError:
        return False
    return True


def free_port(host: str) -> int:
    """Return a port that nothing listens at; an empty host is all of this machine's."""
    return _bind(host, 0)


def free_ports(count: int) -> range:
    """Return ports beside each other that nothing listens at, on any address of this machine.

    Raises:
        EngineError: a hundred places were looked at, and all were in use.
    """
    for _ in range(100):
        first = secrets.randbelow((_LAST - _FIRST) // count) * count + _FIRST
        ports = range(first, first + count)
        if all(_is_free("", port) for port in ports):
            return ports
    raise EngineError(f"{count} free ports beside each other were not found", hint="Stop what holds them")


def _bind(host: str, port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])
