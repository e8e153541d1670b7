"""Lines of JSON behind a checksum each, in an append-only file: what all event logs are written in.

A line is wholly there or not. One that a crash cut off can only be the last; whoever reads the file drops it.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from atp_ray.errors import StorageError


def encode_line(data: dict[str, Any]) -> bytes:
    """Return `data` as one line of JSON behind its checksum."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decode_line(line: bytes) -> dict[str, Any] | None:
    """Return what a line (without its end) holds, None where its checksum is wrong."""
    checksum, _, body = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        return None
    data: dict[str, Any] = json.loads(body.decode("utf-8", "surrogatepass"))
    return data


def read_lines(content: bytes, path: Path, hint: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield what each line holds and where it ends in the file; a cut-off last line is left out.

    Args:
        hint: what to do where the file is damaged.

    Raises:
        StorageError: a line other than the last is damaged.
    """
    start = 0
    while start < len(content):
        end = content.find(b"\n", start) + 1
        data = decode_line(content[start : end - 1]) if end else None
        if data is None:
            if end and end < len(content):
                raise StorageError(f"is damaged at byte {start}", str(path), hint)
            return
        yield data, end
        start = end


def write_line(file: FileIO, line: bytes) -> None:
    """Write a line where the file stands; it is on disk when this returns.

    Raises:
        OSError: it could not be written, or only a part of it.
    """
    if file.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file.fileno())
