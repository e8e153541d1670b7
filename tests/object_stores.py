"""Object stores for tests: servers of their own processes on loopback that speak S3 and Google's protocol over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from pyarrow import fs
from support import wait_until

BUCKET = "experiments"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@contextmanager
def s3_server(**environment: str) -> Iterator[str]:
    """Run an S3 server (moto's, in memory) and yield its address; nothing of it is in this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None, "the S3 server")
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def s3_environment(server: str) -> Iterator[None]:
    """Set what leads S3 clients to a server."""
    with mock.patch.dict(os.environ, CREDENTIALS | {"AWS_ENDPOINT_URL": server}):
        yield


def client() -> fs.S3FileSystem:
    """Return a client that is not the project's, for what tests put and look at."""
    return fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"], allow_bucket_creation=True)


def objects(address: str) -> dict[str, bytes]:
    """Return every object under an address, by its name there."""
    path, filesystem = address.removeprefix("s3://"), client()
    return {name: filesystem.open_input_stream(f"{path}/{name}").read() for name in names(address)}


def names(address: str) -> list[str]:
    """Return the name of every object under an address."""
    path = address.removeprefix("s3://")
    found = client().get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    return [info.path.removeprefix(f"{path}/") for info in found if info.type == fs.FileType.File]


def put_folder(folder: Path, address: str) -> None:
    """Put all files of a folder under an address."""
    fs.copy_files(str(folder), address.removeprefix("s3://"), fs.LocalFileSystem(), client())


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
