"""A folder of this machine that is kept in an object store as well, object by object, while it is written.

The way of the data of a run whose `--out` is an address:

1. What the store holds is fetched into a folder of this machine that no other command uses. The store is the only
   source of truth: nothing that another command left on this machine is looked at.
2. The run is played in that folder as in any other. The event log is on disk before anyone sees a round.
3. Every `EVERY_S` seconds and at the end, each file that has changed is put as a whole object. A log is put up to
   where it stands; a line that is not complete yet is dropped by whoever reads it. So a round is in the store wholly
   or not at all, and once.
4. `cells/` comes after the tables it stands for, `run.json` last: what says that something is finished never comes
   before it.

When the command, its machine or its node is killed, the rounds since the last time are lost, and nothing else: the next
`--resume` plays them again from what is in the store, and the same seeds give the same. While the store does not answer
the run goes on and is put later; at the end, what could not be put stays on this machine and is named.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from atp_ray.errors import AtpError, StorageError
from atp_ray.storage.claims import Claim
from atp_ray.storage.object_store import ObjectStore
from atp_ray.storage.places import hidden

EVERY_S = 2.0
SHARE = 10  # of the time at most one part in so many is spent on putting


class _Version(NamedTuple):
    size: int
    changed_ns: int


class Mirror:
    """Puts what changes in `folder` into `store`, from a thread of its own, until `close`.

    Args:
        claim: the right to write there, which is renewed meanwhile.
    """

    def __init__(self, folder: Path, store: ObjectStore, claim: Claim) -> None:
        self._folder = folder
        self._store = store
        self._claim = claim
        self._put: dict[str, _Version] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)

    def fetch(self) -> None:
        """Copy what the store holds into the folder.

        Raises:
            StorageError: it cannot be read.
        """
        for name in self._store.list():
            if not hidden(name):
                self._store.fetch(name, self._folder / name)
                self._put[name] = _version(self._folder / name)

    def start(self) -> None:
        """Begin to put what changes."""
        self._thread.start()

    def close(self) -> None:
        """Put what is left, and end.

        Raises:
            StorageError: it cannot be put; names the folder that holds it.
        """
        self._done.set()
        self._thread.join()
        try:
            self._put_changes()
        except StorageError as error:
            hint = f"All of it is in {self._folder}; --resume continues from what was put before"
            raise StorageError(f"not everything could be put there: {error.what}", self._store.address, hint) from error

    def _run(self) -> None:
        pause_s = EVERY_S
        while not self._done.wait(pause_s):
            start = time.monotonic()
            try:
                self._put_changes()
            except (AtpError, OSError):
                # The run goes on; what is not in the store yet is put the next time, or said by `close`.
                continue
            finally:
                pause_s = max(EVERY_S, SHARE * (time.monotonic() - start))

    def _put_changes(self) -> None:
        self._claim.renew()
        for name, version in self._changes():
            self._store.put(self._folder / name, name)
            self._put[name] = version
            self._claim.renew()

    def _changes(self) -> Iterator[tuple[str, _Version]]:
        # What says that something is finished is looked for first and put last: it may be written meanwhile.
        finished = [*sorted(self._folder.glob("cells/*")), self._folder / "run.json"]
        others = sorted(set(self._folder.rglob("*")) - set(finished))
        for path in (*others, *finished):
            name = path.relative_to(self._folder).as_posix()
            if path.is_file() and not hidden(name) and self._put.get(name) != (version := _version(path)):
                yield name, version


def _version(path: Path) -> _Version:
    about = path.stat()
    return _Version(about.st_size, about.st_mtime_ns)
