"""DeepSpeed inside a Ray Train worker."""

from __future__ import annotations


def start_deepspeed(on_gpu: bool) -> None:
    """Let DeepSpeed see the process group that Ray Train has made; else it takes each worker for the only one."""
    import deepspeed

    compile_nothing()
    deepspeed.init_distributed(dist_backend="nccl" if on_gpu else "gloo", auto_mpi_discovery=False, verbose=False)


def compile_nothing() -> None:
    """Let DeepSpeed use gloo alone between the workers of a node without GPUs.

    For its own way it compiles for a minute on each node, needs a compiler there, and waits for ever where an earlier
    build was killed.
    """
    from deepspeed import ops
    from deepspeed.ops.op_builder.cpu import ShareMemCommBuilder

    ops.__compatible_ops__[ShareMemCommBuilder.NAME] = False
