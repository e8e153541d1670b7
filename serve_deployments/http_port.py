"""Serve's HTTP port: checked before anything starts, opened, and waited for where the machine is slow."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import ray
from ray import serve
from ray.serve.schema import ProxyStatus

from atp_ray.errors import EngineError, UsageError

HTTP_TIMEOUT_S = 180.0


def open_http(host: str, port: int) -> None:
    """Open Serve's HTTP port and wait until it is.

    Raises:
        UsageError: it is in use, out of range or not permitted.
        EngineError: it does not open in time.
    """
    require_free_port(host, port)
    # On a busy machine Serve gives up on a slow proxy, starts another and gives that one longer.
    with suppress(ray.exceptions.RayActorError, TimeoutError):
        serve.start(http_options={"host": host, "port": port})
    deadline = time.monotonic() + HTTP_TIMEOUT_S
    while not _proxies_are_healthy():
        if time.monotonic() > deadline:
            what = f"the HTTP port {host}:{port} did not open within {HTTP_TIMEOUT_S:.0f} s"
            raise EngineError(what, hint="Is the machine overloaded? Try again when it is not")
        time.sleep(0.2)


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
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(f"cannot listen on {host}:{port}: {reason}", "--port", "Choose another port") from error
