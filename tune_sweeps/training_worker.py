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

from atp_ray.alignment.profiles import DpoProfile, TrainingProfile
from tune_sweeps.deepspeed_start import start_deepspeed
from tune_sweeps.process_group import wait_for_all
from tune_sweeps.training_job import STATE_FILE, TrainingJob


def train_worker(config: dict[str, Any]) -> None:
    """Train from the last checkpoint on; the one saved after the last step is the result."""
    job: TrainingJob = config["job"]
    checkpoint, context = ray.train.get_checkpoint(), ray.train.get_context()
    # Two nodes may be one machine and share its disk.
    scratch = job.scratch / f"node-{context.get_node_rank()}"
    first_here = context.get_local_rank() == 0
    if first_here:
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed worker may have left
    wait_for_all()
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
    # Imported here: a worker that finds the run finished does without transformers.
    from tune_sweeps.training_callback import RayTrainCallback

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
