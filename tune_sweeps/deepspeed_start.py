"""DeepSpeed inside a Ray Train worker."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atp_ray.storage.places import cache_folder


def start_deepspeed(on_gpu: bool) -> None:
    """Let DeepSpeed see the process group that Ray Train has made; else it takes each worker for the only one."""
    import deepspeed
    from deepspeed.comm.torch import build_shm_op

    if not on_gpu:
        with _alone_on_this_machine(extensions_folder()):
            build_shm_op()  # DeepSpeed keeps it, and does not build again
    deepspeed.init_distributed(dist_backend="nccl" if on_gpu else "gloo", auto_mpi_discovery=False, verbose=False)


def extensions_folder() -> Path:
    """Return where what DeepSpeed compiles is kept: a folder that only these workers use."""
    return cache_folder() / f"extensions-py{sys.version_info.major}{sys.version_info.minor}"


@contextmanager
def _alone_on_this_machine(folder: Path) -> Iterator[None]:
    """Compile in `folder` while no other worker does.

    Torch marks a build with a file and waits until it is gone, for ever if the process that builds was killed. Here the
    kernel ends the lock with its holder, and a mark that is found under it is nobody's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TORCH_EXTENSIONS_DIR"] = str(folder)
    with (folder / "building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for mark in folder.glob("*/lock"):
            mark.unlink()
        yield
