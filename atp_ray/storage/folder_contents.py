"""What a folder holds, file by file, and one digest of it all: two folders of one digest are the same folder."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from atp_ray.errors import StorageError
from atp_ray.storage.places import hidden


class FileEntry(NamedTuple):
    """A file: its name in the folder with `/` between parts, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FolderContents:
    """All files of a folder by name, hidden ones left out."""

    files: tuple[FileEntry, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that change with any byte and any name."""
        return hashlib.sha256(repr([tuple(entry) for entry in self.files]).encode()).hexdigest()[:32]


def folder_contents(folder: Path) -> FolderContents:
    """Read a folder; large files at once, as far as there are processors.

    Raises:
        StorageError: a file cannot be read.
    """
    sizes = _sizes(folder)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            digests = list(pool.map(lambda name: _sha256(folder / name), sizes))
    except OSError as error:
        raise StorageError(f"cannot be read: {error.strerror}", str(error.filename), "Check its rights") from error
    return FolderContents(
        tuple(FileEntry(name, size, digest) for (name, size), digest in zip(sizes.items(), digests, strict=True))
    )


def holds(folder: Path, contents: FolderContents) -> bool:
    """Return whether a folder has just these contents; it is read as a whole only where all sizes are right."""
    try:
        sizes = _sizes(folder)
        return sizes == {entry.name: entry.size for entry in contents.files} and folder_contents(folder) == contents
    except (OSError, StorageError):
        return False  # not there, or not to be read here: it does not have them


def _sizes(folder: Path) -> dict[str, int]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: (folder / name).stat().st_size for name in names if not hidden(name)}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
