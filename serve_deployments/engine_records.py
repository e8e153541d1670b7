"""What engines say of themselves, kept by the cluster: what they do while they start, and which adapters they hold."""

from __future__ import annotations

from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put

from atp_ray.config_files import Frozen

READY = "ready"  # the phase of an engine that answers
_NAMESPACE = b"atp_ray-engines"


class EngineRecord(Frozen):
    """An engine that was started: its application and deployment on Serve, and the adapters it holds.

    `adapters` maps what an adapter is (`EngineGroup.adapter_key`) to the name by which the engine knows it; `replicas`
    is how many of it there are at most, `gpus` how many they hold together.
    """

    application: str
    deployment: str
    adapters: dict[str, str]
    replicas: int = 1
    gpus: int = 0


def write_record(key: str, record: EngineRecord) -> None:
    """Keep the record of the newest engine under `key`."""
    _put(f"record/{key}", record.model_dump_json())


def read_record(key: str) -> EngineRecord | None:
    """Return the record of the newest engine under `key`, None where there was none."""
    found = _get(f"record/{key}")
    return None if found is None else EngineRecord.model_validate_json(found)


def tell_phase(application: str, phase: str) -> None:
    """Say what the engines of an application do now."""
    _put(f"phase/{application}", phase)


def read_phase(application: str) -> str:
    """Return what the engines of an application said last."""
    return _get(f"phase/{application}") or "waiting"


def _put(key: str, value: str) -> None:
    _internal_kv_put(key.encode(), value.encode(), overwrite=True, namespace=_NAMESPACE)


def _get(key: str) -> str | None:
    found: bytes | None = _internal_kv_get(key.encode(), namespace=_NAMESPACE)
    return None if found is None else found.decode()
