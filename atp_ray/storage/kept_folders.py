"""Folders this machine keeps under what they are: filled once by whoever comes first, whole or not there at all."""

from __future__ import annotations

import fcntl
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from atp_ray.errors import StorageError
from atp_ray.storage.places import cache_folder


def kept_folder(kind: str, key: str, size: int, fill: Callable[[Path], None]) -> Path:
    """Return the folder kept under `key`, filled now if it is not there yet.

    Of several processes that ask for one key at a time, one fills the folder and the others wait for it; of one that is
    killed meanwhile nothing is ever seen.

    Args:
        kind: which of the cache's folders it belongs to.
        size: bytes that `fill` will write.

    Raises:
        StorageError: there is no room, or the cache cannot be written; names this machine.
        AtpError: what `fill` raises.
    """
    shelf = cache_folder() / kind
    folder, unfinished = shelf / key, shelf / f".{key}.unfinished"
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        with (shelf / f".{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel ends it with its holder
            if not folder.is_dir():
                shutil.rmtree(unfinished, ignore_errors=True)
                _require_room(shelf, size)
                unfinished.mkdir()
                fill(unfinished)
                unfinished.replace(folder)
    except OSError as error:
        hint = "Free some space there, or set XDG_CACHE_HOME on that node"
        raise StorageError(f"cannot be written: {error.strerror}", f"{socket.gethostname()}:{shelf}", hint) from error
    return folder


def free_bytes(kind: str, key: str) -> int:
    """Return how much room there is for the folder kept under `key`; without end where it is kept already."""
    shelf = cache_folder() / kind
    if (shelf / key).is_dir():
        return sys.maxsize
    there = next(folder for folder in (shelf, *shelf.parents) if folder.is_dir())
    return shutil.disk_usage(there).free


def _require_room(shelf: Path, size: int) -> None:
    if (free := shutil.disk_usage(shelf).free) < size:
        what = f"{size / 2**30:.1f} GiB are needed but {free / 2**30:.1f} are free"
        hint = "Free some space there, or set XDG_CACHE_HOME on that node"
        raise StorageError(what, f"{socket.gethostname()}:{shelf}", hint)
