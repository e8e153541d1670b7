"""What every Ray Train worker runs: TRL's trainer, from the last checkpoint to a result that needs no further step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray.train
from ray.actor import ActorHandle
from ray.train import Checkpoint
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from atp_ray.alignment.profiles import DpoProfile
from atp_ray.alignment.trainers import dpo_trainer, grpo_trainer
from tune_sweeps.training_job import TrainingJob

FINAL = "final"  # the folder of a checkpoint that holds the result, not a state to go on from
STATE_FILE = "trainer_state.json"


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
            self._board.update.remote(state.global_step, state.max_steps, dict(logs))

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Report the checkpoint just written; the first worker of each node reports what lies there."""
        context = ray.train.get_context()
        _wait_for_all()
        folder = get_last_checkpoint(args.output_dir) if context.get_local_rank() == 0 else None
        ray.train.report({"step": state.global_step}, checkpoint=Checkpoint.from_directory(folder) if folder else None)


def train_worker(config: dict[str, Any]) -> None:
    """Train, and report the result as the last checkpoint."""
    job: TrainingJob = config["job"]
    context = ray.train.get_context()
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(job.tensorboard)
    build: Callable[..., Any] = dpo_trainer if isinstance(job.profile, DpoProfile) else grpo_trainer
    checkpoint = ray.train.get_checkpoint()
    if job.profile.zero:
        _tell_deepspeed(job.profile.accelerator == "gpu")
    trainer = build(job.profile, job.source, job.data, job.scratch / "trainer", job.trackers)
    trainer.add_callback(RayTrainCallback(config["board"]))
    if checkpoint is None:
        trainer.train()
    else:
        with checkpoint.as_directory() as folder:
            if (Path(folder) / FINAL).is_dir():
                return  # it was reported before the job was stopped
            trainer.train(resume_from_checkpoint=folder)
    final = job.scratch / FINAL
    # Every worker takes part: under ZeRO-3 each holds a piece of the weights.
    trainer.save_model(str(final / FINAL))
    first = context.get_world_rank() == 0
    if first:
        trainer.state.save_to_json(str(final / STATE_FILE))
    ray.train.report({"step": trainer.state.global_step}, Checkpoint.from_directory(str(final)) if first else None)
    if context.get_local_rank() == 0:
        shutil.rmtree(job.scratch, ignore_errors=True)


def _tell_deepspeed(on_gpu: bool) -> None:
    """Let DeepSpeed see the process group that Ray Train has made; else it takes each worker for the only one."""
    import deepspeed

    deepspeed.init_distributed(dist_backend="nccl" if on_gpu else "gloo", auto_mpi_discovery=False, verbose=False)


def _wait_for_all() -> None:
    import torch.distributed as dist

    if dist.is_initialized():
        dist.barrier()
