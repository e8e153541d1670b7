"""The append-only event log of a cell: the only source of truth of a run.

One line per settled round, each with its own checksum: a round is either wholly there or not. A line that was cut off
by a crash can only be the last one; it is dropped when the log is opened again, and its round is played again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from atp_ray.errors import StorageError
from atp_ray.play.records import RoundRecord
from atp_ray.storage.checked_lines import encode_line, read_lines, write_line
from atp_ray.storage.record_json import record_from_json, record_to_json


class LogBusyError(StorageError):
    """Another process writes to the log."""


class EventLog:
    """Rounds of one cell, in a file, in the order they were settled.

    Opening it reads what is there; `append` refuses a round that does not follow the last one of its episode, so none
    is ever settled twice.

    Raises:
        LogBusyError: another process writes to it, perhaps one whose command was just killed; it may be tried again.
        StorageError: the file cannot be read or written, or is damaged other than by a cut-off last line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[str, list[RoundRecord]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
            self._lock()
            if path.is_file():
                self._recover()
        except OSError as error:
            raise _storage_error(path, error) from error

    def rounds(self, episode_id: str) -> tuple[RoundRecord, ...]:
        """Return the settled rounds of an episode, oldest first."""
        return tuple(self._records.get(episode_id, ()))

    def append(self, record: RoundRecord) -> None:
        """Write one settled round; it is on disk when this returns.

        Raises:
            ValueError: the round is already settled, or one before it is not.
            StorageError: the disk is full or the file cannot be written; nothing of the round remains.
        """
        known = self._records.setdefault(record.episode_id, [])
        if record.round != len(known) + 1:
            raise ValueError(f"episode {record.episode_id}: round {record.round} cannot follow round {len(known)}")
        line = encode_line(record_to_json(record))
        start = self._file.tell()
        try:
            write_line(self._file, line)
        except OSError as error:
            self._cut(start)
            raise _storage_error(self.path, error) from error
        known.append(record)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            hint = "Wait for it to end, or choose another --out"
            raise LogBusyError("another process is still writing to it", str(self.path), hint) from error

    def _recover(self) -> None:
        content = self.path.read_bytes()
        end = 0
        for record, line_end in _decode_lines(content, self.path):
            self._records.setdefault(record.episode_id, []).append(record)
            end = line_end
        if end < len(content):
            self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)

    def _cut(self, start: int) -> None:
        try:
            self._file.truncate(start)
        except OSError:
            return  # a half-written line has a wrong checksum and is dropped when the log is opened again


def read_event_log(path: Path) -> dict[str, list[RoundRecord]]:
    """Return the settled rounds of a log by episode, without opening it for writing; a missing log is empty.

    Raises:
        StorageError: the file cannot be read or is damaged other than by a cut-off last line.
    """
    try:
        # A device holds no rounds, and one may never end.
        content = path.read_bytes() if path.exists() and not path.is_char_device() else b""
    except OSError as error:
        raise _storage_error(path, error) from error
    rounds: dict[str, list[RoundRecord]] = {}
    for record, _ in _decode_lines(content, path):
        rounds.setdefault(record.episode_id, []).append(record)
    return rounds


def _decode_lines(content: bytes, path: Path) -> Iterator[tuple[RoundRecord, int]]:
    hint = "Restore the file from a copy, or delete it to play the cell again"
    for data, end in read_lines(content, path, hint):
        yield record_from_json(data), end


def _storage_error(path: Path, error: OSError) -> StorageError:
    hint = "Free some space or choose another --out; what is settled is kept, continue with --resume"
    return StorageError(f"cannot be written or read: {error.strerror}", str(path), hint)
