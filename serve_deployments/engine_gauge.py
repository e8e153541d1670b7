"""What vLLM's engine says after every step: how many requests it decodes, and how many it has just finished."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vllm.v1.engine import FinishReason
from vllm.v1.metrics.loggers import AggregateStatLoggerBase


class EngineGauge(AggregateStatLoggerBase):  # type: ignore[misc]
    """Passes on what the engine's core reports; several cores (data parallel) count together.

    Args:
        report: told how many requests are decoded now, and how many were finished since it was last told.
    """

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report = report
        self._decoding: dict[int, int] = {}

    def record(
        self, scheduler_stats: Any, iteration_stats: Any, mm_cache_stats: object = None, engine_idx: int = 0
    ) -> None:
        """Take what vLLM tells after a step of one core."""
        if scheduler_stats is not None:
            self._decoding[engine_idx] = scheduler_stats.num_running_reqs
        ended = iteration_stats.finished_requests if iteration_stats is not None else ()
        finished = sum(request.finish_reason is not FinishReason.ABORT for request in ended)
        self._report(sum(self._decoding.values()), finished)

    def log_engine_initialized(self) -> None:
        """Do nothing; vLLM has told its other loggers."""


def attach_gauge(engine: Any, report: Callable[[int, int], None]) -> None:
    """Have `report` told of every step of a running `AsyncLLM`; one with `disable_log_stats` tells nothing."""
    if engine.logger_manager is not None:
        engine.logger_manager.stat_loggers.append(EngineGauge(report))
