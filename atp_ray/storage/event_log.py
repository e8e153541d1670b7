"""The append-only event log of a cell: the only source of truth of a run.

One line per settled round, each with its own checksum: a round is either wholly there or not. A line that was cut off
by a crash can only be the last one; it is dropped when the log is opened again, and its round is played again.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from atp_ray.actions import decode_actions, encode_actions
from atp_ray.errors import StorageError
from atp_ray.problems import Solution
from atp_ray.settlement import Capital
from atp_ray.storage.records import RoundRecord
from atp_ray.turns import TurnFailure


class EventLog:
    """Rounds of one cell, in a file, in the order they were settled.

    Opening it reads what is there; `append` refuses a round that does not follow the last one of its episode, so none
    is ever settled twice.

    Raises:
        StorageError: the file cannot be read or written, or is damaged other than by a cut-off last line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[str, list[RoundRecord]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
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
        line = _encode(record)
        start = self._file.tell()
        try:
            written = self._file.write(line)
            if written != len(line):
                raise OSError(28, os.strerror(28))
            os.fsync(self._file.fileno())
        except OSError as error:
            self._cut(start)
            raise _storage_error(self.path, error) from error
        known.append(record)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

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
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise _storage_error(path, error) from error
    rounds: dict[str, list[RoundRecord]] = {}
    for record, _ in _decode_lines(content, path):
        rounds.setdefault(record.episode_id, []).append(record)
    return rounds


def _decode_lines(content: bytes, path: Path) -> Iterator[tuple[RoundRecord, int]]:
    start = 0
    while start < len(content):
        end = content.find(b"\n", start) + 1
        record = _decode(content[start : end - 1]) if end else None
        if record is None:
            if end and end < len(content):
                hint = "Restore the file from a copy, or delete it to play the cell again"
                raise StorageError(f"is damaged at byte {start}", str(path), hint)
            return
        yield record, end
        start = end


def _encode(record: RoundRecord) -> bytes:
    body = json.dumps(
        {
            "episode": record.episode_id,
            "round": record.round,
            "actions": encode_actions(record.action_A),
            "replies": record.reply_A,
            "attempts": record.attempts_A.tolist(),
            "prompt_tokens": record.prompt_tokens_A.tolist(),
            "completion_tokens": record.completion_tokens_A.tolist(),
            "latency_s": _finite(record.latency_A.tolist()),
            "rewards": record.reward_A.tolist(),
            "capital_before": record.capital_before_A.tolist(),
            "capital_after": record.capital_after.value_A.tolist(),
            "log_capital_after": record.capital_after.log_A.tolist(),
            "success": record.success,
            "failures": [list(failure) for failure in record.failures],
        }
        | ({"solutions": [[asdict(s) for s in seat] for seat in record.solutions_A]} if record.solutions_A else {}),
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode("utf-8", "surrogatepass")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _decode(line: bytes) -> RoundRecord | None:
    checksum, _, body = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        return None
    data: dict[str, Any] = json.loads(body.decode("utf-8", "surrogatepass"))
    return RoundRecord(
        episode_id=data["episode"],
        round=data["round"],
        action_A=decode_actions(data["actions"]),
        reply_A=tuple(data["replies"]),
        attempts_A=np.array(data["attempts"], dtype=np.int64),
        prompt_tokens_A=np.array(data["prompt_tokens"], dtype=np.int64),
        completion_tokens_A=np.array(data["completion_tokens"], dtype=np.int64),
        latency_A=np.array([math.nan if value is None else value for value in data["latency_s"]]),
        reward_A=np.array(data["rewards"]),
        capital_before_A=np.array(data["capital_before"]),
        capital_after=Capital(np.array(data["capital_after"]), np.array(data["log_capital_after"])),
        success=data["success"],
        failures=tuple(TurnFailure(*failure) for failure in data["failures"]),
        solutions_A=tuple(tuple(_solution(entry) for entry in seat) for seat in data.get("solutions", ())),
    )


def _solution(entry: dict[str, Any]) -> Solution:
    return Solution(**(entry | {"tool_statuses": tuple(entry["tool_statuses"])}))


def _finite(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]


def _storage_error(path: Path, error: OSError) -> StorageError:
    hint = "Free some space or choose another --out; what is settled is kept, continue with --resume"
    return StorageError(f"cannot be written or read: {error.strerror}", str(path), hint)
