"""The event log of one live simulation: an append-only file, and the only truth about it.

Every line is an event with number, time, author and checksum. A line that a crash cut off is the last one and is
dropped. Whoever asks twice with one idempotency key finds the event the first call made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Literal

from atp_ray.errors import StorageError
from atp_ray.storage.checked_lines import encode_line, read_lines, write_line

EventKind = Literal["created", "control", "intervention", "round", "tip", "action"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: its number in the log (from 1), when (ISO 8601, UTC), who did it, and what."""

    seq: int
    kind: EventKind
    time: str
    author: str
    key: str | None
    data: dict[str, Any]


class LiveLog:
    """The events of one simulation, in memory and in a file.

    Raises:
        StorageError: the file cannot be read or written, or is damaged other than by a cut-off last line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._events: list[Event] = []
        self._by_key: dict[str, Event] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._end = self._read(path.read_bytes() if path.exists() else b"")
        except OSError as error:
            raise _storage_error(path, error) from error

    @property
    def events(self) -> Sequence[Event]:
        """All events so far, oldest first."""
        return self._events

    def with_key(self, key: str | None) -> Event | None:
        """Return the event that a call with this idempotency key made, None where there was none."""
        return self._by_key.get(key) if key is not None else None

    def append(self, kind: EventKind, data: dict[str, Any], author: str, key: str | None = None) -> Event:
        """Write one event; it is on disk when this returns.

        Raises:
            StorageError: the disk is full or the file cannot be written; nothing of the event remains.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        event = Event(len(self._events) + 1, kind, now, author, key, data)
        line = encode_line({"seq": event.seq, "kind": kind, "time": now, "author": author, "key": key, "data": data})
        try:
            # Opened for each event: a thousand simulations hold no thousand files open.
            with self.path.open("r+b" if self.path.exists() else "w+b", buffering=0) as file:
                self._write(file, line)
        except OSError as error:
            raise _storage_error(self.path, error) from error
        self._end += len(line)
        self._keep(event)
        return event

    def _write(self, file: FileIO, line: bytes) -> None:
        file.truncate(self._end)
        file.seek(self._end)
        try:
            write_line(file, line)
        except OSError:
            file.truncate(self._end)
            raise

    def _read(self, content: bytes) -> int:
        end = 0
        for data, line_end in read_lines(content, self.path, "Restore the file from a copy"):
            self._keep(Event(**data))
            end = line_end
        return end

    def _keep(self, event: Event) -> None:
        self._events.append(event)
        if event.key is not None:
            self._by_key[event.key] = event


def _storage_error(path: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot be written or read: {error.strerror}", str(path), "Free some space; nothing is lost")
