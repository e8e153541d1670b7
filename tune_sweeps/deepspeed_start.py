"""DeepSpeed inside a Ray Train worker."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atp_ray.errors import UsageError
from atp_ray.storage.places import cache_folder


def start_deepspeed(on_gpu: bool, offload: bool) -> None:
    """Let DeepSpeed see the process group that Ray Train has made; else it takes each worker for the only one.

    Args:
        offload: whether Adam runs on the host, whose code is compiled first.
    """
    import deepspeed
    from deepspeed.accelerator import get_accelerator

    compile_no_messages()
    if offload:
        find_build_tools()
        with _alone_on_this_machine(extensions_folder()):
            # DeepSpeed keeps what is built, and does not build again.
            get_accelerator().create_op_builder("CPUAdamBuilder").load(verbose=False)
    deepspeed.init_distributed(dist_backend="nccl" if on_gpu else "gloo", auto_mpi_discovery=False, verbose=False)


def compile_no_messages() -> None:
    """Let DeepSpeed use gloo alone between the workers of a node without GPUs.

    For its own way it compiles for a minute on each node, needs a compiler there, and waits for ever where an earlier
    build was killed.
    """
    from deepspeed import ops
    from deepspeed.ops.op_builder.cpu import ShareMemCommBuilder

    ops.__compatible_ops__[ShareMemCommBuilder.NAME] = False


def require_compiler(node: str) -> None:
    """Refuse a node where DeepSpeed would have to compile and cannot.

    Raises:
        UsageError: no C++ compiler or no ninja there, and nothing compiled before.
    """
    if any(extensions_folder().glob("*/*.so")):
        return
    for tool in (os.environ.get("CXX", "c++"), "ninja"):
        if shutil.which(tool, path=_tool_path()) is None:
            hint = "Install it there, or leave Adam on the GPU: --set offload=false"
            raise UsageError(f"DeepSpeed compiles on each node, and node {node} has no {tool}", "offload", hint)


def find_build_tools() -> None:
    """Let this process and its compilers find the tools that `require_compiler` looks for: torch looks on PATH only."""
    os.environ["PATH"] = _tool_path()


def _tool_path() -> str:
    # Ninja is a package, whose command is beside the Python that runs this; that of a virtual environment need not be
    # on PATH. What is on PATH comes first, as it does for everybody else.
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    beside = str(Path(sys.executable).parent)
    return os.pathsep.join(places if beside in places else [*places, beside])


def extensions_folder() -> Path:
    """Return where what DeepSpeed compiles is kept: a folder that only these workers on this node use.

    Home may be shared by nodes whose processors differ, and a lock does not hold between nodes on every file system.
    """
    return cache_folder() / f"extensions-py{sys.version_info.major}{sys.version_info.minor}-{platform.node()}"


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
