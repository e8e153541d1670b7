"""Run folders on disk or in an object store: opened for writing by one command at a time, or for reading."""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atp_ray.errors import AtpError, StorageError, UsageError
from atp_ray.storage.claims import Claim
from atp_ray.storage.mirror import Mirror
from atp_ray.storage.object_store import open_store
from atp_ray.storage.places import base_name, cache_folder, hidden, is_address, join
from atp_ray.storage.run_folder import read_manifest, run_lock

LOCK = ".lock"
NOT_READ = ("log/", "figures/", "ray_train/", "tensorboard/", "tracking/")  # what reports need nothing of


@dataclass(frozen=True)
class OpenRun:
    """A run that is open: where its files are now, and the place by which the user knows it."""

    folder: Path
    place: str

    def shown(self, path: Path) -> str:
        """Return a file of the run as the user finds it."""
        return join(self.place, path.relative_to(self.folder).as_posix()) if is_address(self.place) else str(path)


@contextmanager
def written_run(place: str) -> Iterator[OpenRun]:
    """Hold a run for writing, with what it has so far; at an address it is mirrored, see `atp_ray.storage.mirror`.

    Raises:
        UsageError: another process holds it, or its bucket does not exist.
        StorageError: it cannot be written, or not all of it could be put into the store in the end.
    """
    if not is_address(place):
        with run_lock(Path(place)):
            yield OpenRun(Path(place), place)
        return
    store = open_store(place)
    claim = Claim(store)
    try:
        with _own_folder(base_name(place)) as folder, _named(folder, place):
            mirror = Mirror(folder, store, claim)
            mirror.fetch()
            mirror.start()
            try:
                yield OpenRun(folder, place)
            finally:
                try:
                    mirror.close()
                except StorageError:
                    _keep(folder)
                    raise
    finally:
        with suppress(StorageError):  # it ends by itself; the error worth telling is the other
            claim.release()


@contextmanager
def read_run(place: str) -> Iterator[OpenRun]:
    """Have the tables of a run to read; at an address a copy of them, which is deleted afterwards.

    Raises:
        UsageError: there is no run.
        StorageError: it cannot be read.
    """
    if not is_address(place):
        yield OpenRun(Path(place), place)
        return
    store = open_store(place)
    with tempfile.TemporaryDirectory(prefix="atp_ray-run-") as scratch:
        folder = Path(scratch, base_name(place))
        for name in store.list():
            if not hidden(name) and not name.startswith(NOT_READ):
                store.fetch(name, folder / name)
        with _named(folder, place):
            yield OpenRun(folder, place)


@contextmanager
def delivered(place: str) -> Iterator[OpenRun]:
    """Have a folder to write results to; at an address all of it is put there in the end.

    Raises:
        UsageError, StorageError: as `open_store`, at once; or it cannot be put.
    """
    if not is_address(place):
        yield OpenRun(Path(place), place)
        return
    store = open_store(place)
    with tempfile.TemporaryDirectory(prefix="atp_ray-out-") as scratch:
        with _named(Path(scratch), place):
            yield OpenRun(Path(scratch), place)
        for path in sorted(Path(scratch).rglob("*")):
            if path.is_file():
                store.put(path, path.relative_to(scratch).as_posix())


def manifest_at(place: str) -> dict[str, Any]:
    """Return the contents of a run's `run.json`, wherever it is.

    Raises:
        UsageError: there is no run, or its `run.json` is damaged.
        StorageError: the store cannot be read.
    """
    if not is_address(place):
        return read_manifest(Path(place))
    if (found := begun_at(place)) is None:
        raise UsageError("holds no run (no run.json)", place, "Give the place a sweep wrote with --out")
    return found


def require_new(place: str) -> None:
    """Refuse a place that already holds a run, before anything of it is fetched.

    Raises:
        UsageError: it does.
        StorageError: the store cannot be read.
    """
    if begun_at(place) is not None:
        raise UsageError("already holds a run", place, "Add --resume to continue it, or choose another --out")


def begun_at(place: str) -> dict[str, Any] | None:
    """Return the contents of a run's `run.json`, None where no run was begun.

    Raises:
        UsageError: its `run.json` is damaged.
        StorageError: the store cannot be read.
    """
    if not is_address(place):
        return read_manifest(Path(place)) if Path(place, "run.json").exists() else None
    content = open_store(place).read("run.json")
    if content is None:
        return None
    with suppress(ValueError):
        data = json.loads(content)
        if isinstance(data, dict):
            return data
    raise UsageError("run.json is damaged", place, "Restore it from a copy")


@contextmanager
def _own_folder(name: str) -> Iterator[Path]:
    """Have a folder that no other command uses; it is deleted afterwards, unless it holds what is nowhere else.

    Raises:
        StorageError: it cannot be written.
    """
    cache = cache_folder() / "runs"
    try:
        _delete_nobodys(cache)
        folder = cache / secrets.token_hex(8) / name
        folder.mkdir(parents=True)
        lock = (folder.parent / ".lock.new").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        Path(lock.name).replace(folder.parent / LOCK)  # never there without being held
    except OSError as error:
        hint = "Free some space, or set XDG_CACHE_HOME"
        raise StorageError(f"cannot be written: {error.strerror}", str(cache), hint) from error
    with lock:
        try:
            yield folder
        finally:
            if (folder.parent / LOCK).exists():
                shutil.rmtree(folder.parent, ignore_errors=True)


def _keep(folder: Path) -> None:
    """Let nobody delete a command's own folder."""
    (folder.parent / LOCK).unlink()


def _delete_nobodys(cache: Path) -> None:
    """Delete the folders of commands that were killed; the kernel has ended their locks."""
    for path in cache.glob(f"*/{LOCK}"):
        with suppress(OSError), path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)


@contextmanager
def _named(folder: Path, place: str) -> Iterator[None]:
    """Say in errors about the folder the place that the user knows instead."""
    try:
        yield
    except AtpError as error:
        where, hint = (text.replace(str(folder), place) if text else text for text in (error.where, error.hint))
        if where == error.where:
            raise
        raise type(error)(error.what, where, hint) from error
