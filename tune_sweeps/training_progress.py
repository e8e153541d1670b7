"""How far a training run is: the first worker tells it step by step, the driver shows and keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tune_sweeps.watching import watching


class Step(NamedTuple):
    """How far training is: optimizer steps done and to do, and the metrics logged at this step."""

    step: int
    total: int
    metrics: dict[str, float]


class ProgressBoard:
    """A small actor that the first worker writes its progress to and the driver reads."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def update(self, step: int, total: int, metrics: dict[str, float]) -> None:
        """Note the latest step."""
        self._steps.append(Step(step, total, metrics))

    def read(self, seen: int) -> Sequence[Step]:
        """Return what was noted after the first `seen` notes."""
        return self._steps[seen:]


@contextmanager
def progress_board(tensorboard: Path, on_progress: Callable[[Step], None]) -> Iterator[ActorHandle[Any]]:
    """Give workers a board; what they note there is shown and written for TensorBoard here, on the driver's node.

    Args:
        tensorboard: folder for TensorBoard's files.
        on_progress: called for each step about twice a second, from another thread.
    """
    from tensorboardX import SummaryWriter

    # A worker's node may end before the driver does; the board must not end with it.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    board = ray.remote(num_cpus=0, scheduling_strategy=here)(ProgressBoard).remote()
    seen = 0

    def look() -> None:
        nonlocal seen
        steps = ray.get(board.read.remote(seen))
        seen += len(steps)
        for step in steps:
            on_progress(step)
            _write(writer, step.step, step.metrics)

    with SummaryWriter(str(tensorboard)) as writer:
        try:
            with watching(look):
                yield board
            look()
        finally:
            ray.kill(board)


def _write(writer: Any, step: int, metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        writer.add_scalar(f"train/{name}", float(value), step)
