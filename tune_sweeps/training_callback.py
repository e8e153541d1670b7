"""What a training worker tells Ray Train and whoever shows progress, step by step and save by save."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import ray.train
from ray.actor import ActorHandle
from ray.train import Checkpoint
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tune_sweeps.process_group import wait_for_all


class RayTrainCallback(TrainerCallback):  # type: ignore[misc]
    """Hands every save to Ray Train's storage, and every step to whoever shows progress."""

    def __init__(self, board: ActorHandle[Any]) -> None:
        self._board = board

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Tell the step and its metrics; nobody waits for it."""
        if state.is_world_process_zero and logs:
            numbers = {name: float(value) for name, value in logs.items() if isinstance(value, int | float | str)}
            self._board.update.remote(state.global_step, state.max_steps, numbers)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Report the checkpoint just written; the first worker of each node reports what lies there."""
        wait_for_all()
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        first_here = ray.train.get_context().get_local_rank() == 0
        ray.train.report({"step": state.global_step}, Checkpoint.from_directory(str(folder)) if first_here else None)
        if first_here:
            # It is in the storage now; Hugging Face's own rotation looks after the first node only.
            shutil.rmtree(folder, ignore_errors=True)
