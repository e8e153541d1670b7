"""What every Ray Train worker runs: TRL's trainer, from the last checkpoint to the last step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray.train
from ray.actor import ActorHandle
from ray.train import Checkpoint
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from atp_ray.alignment.profiles import DpoProfile, TrainingProfile
from tune_sweeps.deepspeed_start import start_deepspeed
from tune_sweeps.training_job import STATE_FILE, TrainingJob


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
        _wait_for_all()
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        first_here = ray.train.get_context().get_local_rank() == 0
        ray.train.report({"step": state.global_step}, Checkpoint.from_directory(str(folder)) if first_here else None)
        if first_here:
            # It is in the storage now; Hugging Face's own rotation looks after the first node only.
            shutil.rmtree(folder, ignore_errors=True)


def train_worker(config: dict[str, Any]) -> None:
    """Train from the last checkpoint on; the one saved after the last step is the result."""
    job: TrainingJob = config["job"]
    checkpoint, context = ray.train.get_checkpoint(), ray.train.get_context()
    # Two nodes may be one machine and share its disk.
    scratch = job.scratch / f"node-{context.get_node_rank()}"
    first_here = context.get_local_rank() == 0
    if first_here:
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed worker may have left
    _wait_for_all()
    try:
        if checkpoint is None:
            _train(job, scratch, config["board"], None)
            return
        with checkpoint.as_directory() as folder:
            if not _finished(Path(folder)):
                _train(job, scratch, config["board"], folder)
    finally:
        if first_here:
            shutil.rmtree(scratch, ignore_errors=True)
            with suppress(OSError):  # another node of this machine still has its own in it
                job.scratch.rmdir()


def _train(job: TrainingJob, scratch: Path, board: ActorHandle[Any], checkpoint: str | None) -> None:
    if job.profile.zero:
        start_deepspeed(job.profile.accelerator == "gpu", job.profile.offload)
    trainer = _builder(job.profile)(job.profile, job.local_source, job.data, scratch, job.trackers, job.hub_revision)
    trainer.add_callback(RayTrainCallback(board))
    trainer.train(resume_from_checkpoint=checkpoint)


def _builder(profile: TrainingProfile) -> Callable[..., Any]:
    # Imported here: TRL's GRPO brings all of vLLM with it, which DPO does without.
    if isinstance(profile, DpoProfile):
        from atp_ray.alignment.dpo import dpo_trainer

        return dpo_trainer
    from atp_ray.alignment.grpo import grpo_trainer

    return grpo_trainer


def _finished(checkpoint: Path) -> bool:
    """Return whether a checkpoint is that of the last step; resumed from it, the trainer would take one too many."""
    state = json.loads((checkpoint / STATE_FILE).read_text(encoding="utf-8"))
    return bool(state["global_step"] >= state["max_steps"])


def _wait_for_all() -> None:
    import torch.distributed as dist

    if dist.is_initialized():
        dist.barrier()
