"""Inputs at an address (pools, pairs, checkpoints) as local files, fetched once, and again when they change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from atp_ray.errors import UsageError
from atp_ray.storage.kept_folders import kept_folder
from atp_ray.storage.object_store import ObjectStore, Stored, open_store
from atp_ray.storage.places import base_name, hidden, is_address

KIND = "fetched"
MANIFEST, RESULT = "run.json", "checkpoint/"  # of a training run
Objects = dict[str, Stored]


def local_copy(place: str) -> Path:
    """Return a place as a file or folder of this machine: a path as it is, what is at an address fetched.

    Raises:
        UsageError: nothing is there.
        StorageError: the store cannot be reached or read, or there is no room.
    """
    return _copy(place, lambda there: there) if is_address(place) else Path(place)


def checkpoint_copy(address: str) -> Path:
    """Return a checkpoint, an adapter or what a training run has trained as a folder of this machine.

    Raises:
        UsageError, StorageError: as `local_copy`.
    """
    return _copy(address, _trained)


def _trained(there: Objects) -> Objects:
    """Return what those who use a training run's result need of it; all there is where it is no training run."""
    wanted = {name: stored for name, stored in there.items() if name == MANIFEST or name.startswith(RESULT)}
    return wanted if MANIFEST in there else there


def _copy(address: str, choose: Callable[[Objects], Objects]) -> Path:
    """Fetch what is wanted of all that is at an address."""
    store = open_store(address)
    single = store.about()
    there = {"": single} if single is not None else {name: of for name, of in store.list().items() if not hidden(name)}
    if not there:
        raise UsageError("nothing is there", address, "Check the address")
    there = choose(there)
    size = sum(stored.size for stored in there.values())
    folder = kept_folder(KIND, _key(address, there), size, lambda folder: _fetch(store, there, folder))
    return folder / base_name(address)


def _fetch(store: ObjectStore, there: Objects, folder: Path) -> None:
    top = folder / base_name(store.address)
    for name in there:
        store.fetch(name, top / name if name else top)


def _key(address: str, there: Objects) -> str:
    return hashlib.sha256(repr((address, sorted(there.items()))).encode()).hexdigest()[:32]
