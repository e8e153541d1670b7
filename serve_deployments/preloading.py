"""The process from which a CPU engine's core is forked; it begins to import vLLM when the replica's process begins."""

from __future__ import annotations

from multiprocessing import forkserver

CORE_MODULES = (
    "vllm.v1.engine.core",
    "serve_deployments.engine_core",
    "vllm.v1.worker.cpu_worker",
    "vllm.v1.worker.cpu_model_runner",
)


def preload_engine() -> None:
    """Begin, without waiting for it; Ray calls this in the replica's process before it imports the deployment."""
    forkserver.set_forkserver_preload(list(CORE_MODULES))
    forkserver.ensure_running()
