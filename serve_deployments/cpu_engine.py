"""vLLM on CPUs, started sooner and run in fewer processes than Ray Serve LLM does by itself.

By itself it starts a replica, an engine core and a worker, which import the same libraries one after the other. Here
the core does the worker's part (`CoreExecutor`), and is forked from a process that imported the libraries while the
replica did the same on another core.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import BaseContext
from typing import Any

from ray.llm._internal.serve.engines.vllm.vllm_engine import VLLMEngine
from vllm.v1.engine import utils as vllm_engine_utils

from serve_deployments.engine_core import CoreExecutor


class CpuEngine(VLLMEngine):  # type: ignore[misc]
    """An engine of one process beside the replica's."""

    async def start(self) -> None:
        """Start the engine core from the process that `preload_engine` began."""
        # vLLM knows "spawn" and "fork" only: one imports everything again, the other copies Ray's threads and locks.
        vllm_engine_utils.get_mp_context = _forkserver
        await super().start()

    def _prepare_engine_config(self, callback_ctx: Any) -> tuple[Any, Any, Any]:
        arguments, frontend, config = super()._prepare_engine_config(callback_ctx)
        if config.parallel_config.world_size == 1:
            # Ray Serve LLM and vLLM turn the name "uni" into "mp" on CPUs; the class is taken as it is.
            config.parallel_config.distributed_executor_backend = CoreExecutor
        return arguments, frontend, config


def _forkserver() -> BaseContext:
    return multiprocessing.get_context("forkserver")
