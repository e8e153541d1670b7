"""What runs in the process of a CPU engine's core: the worker itself, for as long as the replica lives."""

from __future__ import annotations

from vllm.v1.executor.uniproc_executor import UniProcExecutor

from serve_deployments.orphans import end_with_parent


class CoreExecutor(UniProcExecutor):  # type: ignore[misc]
    """Does the worker's part in the core's own process."""

    def _init_executor(self) -> None:
        end_with_parent()
        super()._init_executor()
