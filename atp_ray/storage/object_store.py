"""One folder of an object store: whole objects are put, read, listed and deleted; an object is never appended to.

pyarrow's file systems do the work, as in Ray Train: credentials come from the environment or the machine's role, and
`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or `STORAGE_EMULATOR_HOST` name a store of one's own. A store that does not
answer, a bucket that does not exist and missing rights are found out when the folder is opened, within seconds.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from atp_ray.errors import StorageError, UsageError
from atp_ray.storage.places import base_name

T = TypeVar("T")
PATIENCE_S = 20.0  # for the first contact as a whole
CHUNK_BYTES = 8 * 2**20


class Stored(NamedTuple):
    """An object: its size in bytes, and when it was written by the store's own clock, in seconds."""

    size: int
    written_s: float


@dataclass(frozen=True)
class ObjectStore:
    """A folder (or one object) in a bucket; names are relative to it, with `/` between their parts.

    All methods raise StorageError where the store does not do what it is asked.
    """

    address: str
    filesystem: fs.FileSystem
    path: str

    def list(self, below: str = "") -> dict[str, Stored]:
        """Return every object under a name."""
        selector = fs.FileSelector(self._at(below), recursive=True, allow_not_found=True)
        with self._told("listed"):
            found = [info for info in self.filesystem.get_file_info(selector) if info.type == fs.FileType.File]
        start = len(self.path) + 1
        return {info.path[start:]: Stored(info.size, info.mtime.timestamp()) for info in found}

    def about(self, name: str = "") -> Stored | None:
        """Return what is known of an object, None where there is none of that name."""
        with self._told("read"):
            info = self.filesystem.get_file_info(self._at(name))
        return Stored(info.size, info.mtime.timestamp()) if info.type == fs.FileType.File else None

    def read(self, name: str) -> bytes | None:
        """Return an object, None where there is none."""
        if self.about(name) is None:
            return None
        with self._told("read"), self.filesystem.open_input_stream(self._at(name)) as stream:
            content: bytes = stream.read()
        return content

    def write(self, name: str, content: bytes) -> None:
        """Put an object; it replaces the one of that name as a whole."""
        with self._told("written"), self.filesystem.open_output_stream(self._at(name)) as stream:
            stream.write(content)

    def put(self, file: Path, name: str) -> None:
        """Put the present content of a file, however long it grows meanwhile."""
        with self._told("written"), file.open("rb") as source:
            left = os.fstat(source.fileno()).st_size
            with self.filesystem.open_output_stream(self._at(name)) as stream:
                while left > 0 and (chunk := source.read(min(CHUNK_BYTES, left))):
                    stream.write(chunk)
                    left -= len(chunk)

    def fetch(self, name: str, file: Path) -> None:
        """Copy an object into a file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._told("read"), self.filesystem.open_input_stream(self._at(name)) as stream, file.open("wb") as target:
            while chunk := stream.read(CHUNK_BYTES):
                target.write(chunk)

    def delete(self, name: str) -> None:
        """Delete an object; one that is not there is no error."""
        with self._told("deleted"):
            try:
                self.filesystem.delete_file(self._at(name))
            except FileNotFoundError:
                return

    def _at(self, name: str) -> str:
        return f"{self.path}/{name}" if name else self.path

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise StorageError(f"cannot be {doing}: {_reason(error)}", self.address, _hint(error)) from error


def open_store(address: str) -> ObjectStore:
    """Return the folder at an address, after its bucket has answered.

    Raises:
        UsageError: the bucket does not exist.
        StorageError: the store does not answer, or does not let us in.
    """
    parts = urlsplit(address)
    bucket, path = parts.netloc, f"{parts.netloc}{parts.path}".rstrip("/")
    try:
        if not _within(PATIENCE_S, lambda: _answers(_filesystem(parts.scheme, bucket, hasty=True), bucket, path)):
            hint = "Create it, or check the address and AWS_ENDPOINT_URL"
            raise UsageError(f"there is no bucket '{bucket}'", address, hint)
        return ObjectStore(address, _filesystem(parts.scheme, bucket), path)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"cannot be reached: {_reason(error)}", address, _hint(error)) from error


def _answers(filesystem: fs.FileSystem, bucket: str, path: str) -> bool:
    """Return whether a bucket exists; who may not ask that may still list the folder in it."""
    try:
        return bool(filesystem.get_file_info(bucket).type != fs.FileType.NotFound)
    except OSError as error:
        if not _denied(str(error)):
            raise
        filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True))
        return True


def _filesystem(scheme: str, bucket: str, *, hasty: bool = False) -> fs.FileSystem:
    """Return pyarrow's file system; a hasty one gives up within seconds where nobody answers."""
    if scheme == "gs":
        emulator = os.environ.get("STORAGE_EMULATOR_HOST")
        patience = timedelta(seconds=5 if hasty else 60)
        if not emulator:
            return fs.GcsFileSystem(retry_time_limit=patience)
        where = urlsplit(emulator if "://" in emulator else f"http://{emulator}")
        own = {"anonymous": True, "scheme": where.scheme, "endpoint_override": where.netloc}
        return fs.GcsFileSystem(retry_time_limit=patience, **own)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=None if endpoint else fs.resolve_s3_region(bucket),
        connect_timeout=3 if hasty else 10,
        request_timeout=5 if hasty else 60,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2 if hasty else 3),
        allow_delayed_open=True,  # small objects in one request, and none half-written by a process that is killed
    )


def _within(seconds: float, call: Callable[[], T]) -> T:
    """Return what `call` returns.

    Raises:
        TimeoutError: it has not returned in time; its thread is left to itself, as nothing can stop it.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # raised again below, in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, name="object store", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer in {seconds:.0f} s")
    return results[0]


def _reason(error: Exception) -> str:
    """Return the part of a library's message that says what happened, in one line."""
    text = " ".join(str(error).split())
    if _denied(text):
        return "access is denied"
    for mark in ("Details: ", "underlying error message was: ", "last message of ", "operation: "):
        if mark in text:
            text = text.partition(mark)[2]
            break
    return text.partition(" (Request ID")[0].partition(" error_info=")[0].rstrip(". ") or type(error).__name__


def _denied(text: str) -> bool:
    return any(
        mark in text for mark in ("ACCESS_DENIED", "INVALID_ACCESS_KEY", "SIGNATURE", "status 403", "PERMISSION")
    )


def _hint(error: Exception) -> str:
    text = str(error)
    if _denied(text):
        return "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or a role) that may list, read, write and delete there"
    if "OAuth2" in text:
        return "Check the network and the credentials (GOOGLE_APPLICATION_CREDENTIALS)"
    return "Check the address, the network, AWS_ENDPOINT_URL and the credentials"


def fetch_object(address: str, folder: Path) -> Path:
    """Copy the object at an address into a folder, under its own name, and return the file."""
    file = folder / base_name(address)
    open_store(address).fetch("", file)
    return file
