"""What W&B wrote into a run's folder while it was offline, read from its transaction log.

The log is LevelDB's log format (blocks of 32 KiB; a record, or a part of one, after 7 bytes of checksum, length and
type) behind a header of 7 bytes; each record is a protobuf `Record`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BLOCK, HEADER = 32 * 1024, 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


class OfflineRun(NamedTuple):
    """A run: who it is, its settings, its rows in order, its last values, and how it ended."""

    run: Any
    config: dict[str, Any]
    rows: list[dict[str, Any]]
    summary: dict[str, Any]
    exit_code: int | None
    files: Path


def offline_runs(folder: Path) -> list[OfflineRun]:
    """Return the runs under a folder, in the order they began."""
    return [_read(path) for path in sorted(folder.rglob("offline-run-*/run-*.wandb"))]


def _read(path: Path) -> OfflineRun:
    from wandb.proto.wandb_internal_pb2 import Record

    run, config, rows, summary, code = None, {}, [], {}, None
    for data in _records(path.read_bytes()):
        record = Record.FromString(data)
        if record.HasField("run"):
            run = record.run
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        if record.HasField("history"):
            items = record.history.item
            rows.append({item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items})
        if record.HasField("summary"):
            items = record.summary.update
            summary |= {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
        if record.HasField("exit"):
            code = record.exit.exit_code
    return OfflineRun(run, config, rows, summary, code, path.parent)


def _records(data: bytes) -> Iterator[bytes]:
    assert data[:4] == b":W&B"
    place, part = HEADER, b""
    while place + HEADER <= len(data):
        if BLOCK - place % BLOCK < HEADER:  # what is left of a block holds no header
            place += BLOCK - place % BLOCK
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        part += data[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (FULL, LAST):
            yield part
            part = b""
