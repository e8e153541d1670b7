"""Who may write to a folder of an object store: one command at a time, without locks and without conditional puts.

Each command puts an object of its own under `.claims/` and then lists that folder; it goes on only where no other claim
is alive. Stores list what was put before: of two commands that begin at once, the one that lists last sees the other,
and never do both go on. A claim lives as long as it is put again: one that is `LIFE_S` old is nobody's, and so is one
whose process is known to be gone because it ran on this machine. Ages are differences of the store's own clock.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from pathlib import Path

import psutil
from pydantic import ValidationError

from atp_ray.config_files import Frozen
from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.object_store import ObjectStore

FOLDER = ".claims"
LIFE_S = 60.0
RENEW_S = 10.0


class Claimant(Frozen):
    """A process: its machine (host, boot and container), for messages and to find out whether it still runs."""

    host: str
    machine: str
    pid: int
    started_s: float

    @property
    def gone(self) -> bool:
        """Whether it ran on this machine and has ended."""
        if self.machine != _machine():
            return False
        try:
            return bool(psutil.Process(self.pid).create_time() != self.started_s)
        except psutil.NoSuchProcess:
            return True


class Claim:
    """The right to write to a store's folder, held until `release`.

    Raises:
        UsageError: another command holds it.
        StorageError: the folder cannot be written, listed or deleted from.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._name = f"{FOLDER}/{secrets.token_hex(8)}"
        self._taken_by: str | None = None
        self._put()
        if (other := self._other()) is not None:
            self.release()
            hint = f"Wait for it to end, or choose another --out; {LIFE_S:.0f} s after it was killed it is free"
            raise UsageError(f"another process is writing to this run (on {other.host})", store.address, hint)

    def renew(self) -> None:
        """Put the claim again where it is time; it was lost if this process slept so long that another could begin.

        Raises:
            StorageError: it was lost, or the store does not answer.
        """
        silent_s = _now_s() - self._renewed_s
        if self._taken_by is None and silent_s < RENEW_S:
            return
        if self._taken_by is None:
            self._put()
            if silent_s > LIFE_S / 2 and (other := self._other()) is not None:
                self._taken_by = other.host
                self.release()
        if self._taken_by is not None:
            hint = "Nothing more is written by this one; resume the run when the other has ended"
            raise StorageError(f"a process on {self._taken_by} has taken over this run", self._store.address, hint)

    def release(self) -> None:
        """Give the right back."""
        self._store.delete(self._name)

    def _put(self) -> None:
        now_s, started_s = _now_s(), psutil.Process().create_time()
        claimant = Claimant(host=socket.gethostname(), machine=_machine(), pid=os.getpid(), started_s=started_s)
        self._store.write(self._name, claimant.model_dump_json().encode())
        self._renewed_s = now_s  # only now: a store that does not take it lets others think this process dead

    def _other(self) -> Claimant | None:
        """Return who else holds a claim that is alive; what the dead have left is deleted."""
        claims = self._store.list(FOLDER)
        if self._name not in claims:
            raise StorageError("does not list what was just written", self._store.address, "Use another store")
        now_s = claims.pop(self._name).written_s
        for name, stored in claims.items():
            claimant = _read(self._store.read(name))
            if claimant is None or claimant.gone or now_s - stored.written_s > LIFE_S:
                self._store.delete(name)
            else:
                return claimant
        return None


def _now_s() -> float:
    """Return a clock that also counts the time in which this machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _read(content: bytes | None) -> Claimant | None:
    try:
        return None if content is None else Claimant.model_validate(json.loads(content))
    except (ValueError, ValidationError):
        return None


def _machine() -> str:
    """Return what tells this machine, its present boot and this container from all others."""
    boot, spaces = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    booted = boot.read_text(encoding="ascii").strip() if boot.exists() else ""
    return f"{socket.gethostname()} {booted} {spaces.stat().st_ino if spaces.exists() else ''}"
