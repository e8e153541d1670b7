"""What an engine is doing while it starts, told by its process and read by the command that waits for it."""

from __future__ import annotations

from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put

_NAMESPACE = b"atp_ray-start-phases"


def tell_phase(application: str, phase: str) -> None:
    """Say what the engine of an application does now."""
    _internal_kv_put(application.encode(), phase.encode(), overwrite=True, namespace=_NAMESPACE)


def current_phase(application: str) -> str | None:
    """Return what the engine of an application last said, None before its process is up."""
    found = _internal_kv_get(application.encode(), namespace=_NAMESPACE)
    return found.decode() if found else None
