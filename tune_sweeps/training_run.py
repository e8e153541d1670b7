"""One alignment run under Ray Train: workers that restart from the last checkpoint, and a result that can be served."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray.train
from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

from atp_ray.alignment.pairs import PreferencePair
from atp_ray.alignment.profiles import DpoProfile, GrpoProfile
from atp_ray.alignment.training_prompts import TrainingPrompt
from atp_ray.errors import EngineError
from atp_ray.tiny.scope import SCOPE_FILE

TRAIN_FOLDER = "ray_train"
RESULT_FOLDER = "checkpoint"
Data = Sequence[PreferencePair] | Sequence[TrainingPrompt]


@dataclass(frozen=True)
class TrainingJob:
    """What a run is: a profile, the base checkpoint's folder or hub id, its data, and the run's folder."""

    profile: DpoProfile | GrpoProfile
    source: str
    data: Data
    folder: Path


def run_training(job: TrainingJob) -> Path:
    """Train, or go on where the same job was stopped, and return the folder of the result.

    The result is a checkpoint in Hugging Face format (an adapter where the profile has LoRA), with the base's tokenizer
    and training scope beside it.

    Raises:
        EngineError: the workers failed more often than the profile allows; the last checkpoint is kept.
    """
    trainer = TorchTrainer(
        train_worker,
        train_loop_config={"job": job},
        scaling_config=ScalingConfig(
            num_workers=job.profile.workers,
            use_gpu=job.profile.accelerator == "gpu",
            resources_per_worker=_resources(job),
        ),
        run_config=RunConfig(
            name=TRAIN_FOLDER,
            storage_path=str(job.folder.resolve()),
            failure_config=FailureConfig(max_failures=job.profile.worker_failures),
            checkpoint_config=CheckpointConfig(num_to_keep=2),
        ),
    )
    try:
        trainer.fit()
    except ray.train.base_trainer.TrainingFailedError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
        hint = "The last checkpoint is kept; run the same command to go on"
        raise EngineError(f"training failed: {reason}", str(job.folder), hint) from error
    return _finish(job)


def train_worker(config: dict[str, Any]) -> None:
    """Run on every Ray Train worker: train from the last checkpoint, save the result on the first rank."""
    # Imported here: only a worker pays for torch and TRL.
    from ray.train.huggingface.transformers import RayTrainReportCallback, prepare_trainer

    from atp_ray.alignment.trainers import dpo_trainer, grpo_trainer

    job: TrainingJob = config["job"]
    output = job.folder.resolve() / "trainer"
    build: Callable[..., Any] = dpo_trainer if isinstance(job.profile, DpoProfile) else grpo_trainer
    trainer = build(job.profile, job.source, job.data, output)
    trainer.add_callback(RayTrainReportCallback())
    trainer = prepare_trainer(trainer)
    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None:
        trainer.train()
    else:
        with checkpoint.as_directory() as folder:
            trainer.train(resume_from_checkpoint=str(Path(folder) / RayTrainReportCallback.CHECKPOINT_NAME))
    if ray.train.get_context().get_world_rank() == 0:
        trainer.save_model(str(job.folder.resolve() / RESULT_FOLDER))


def _resources(job: TrainingJob) -> dict[str, float] | None:
    return {"CPU": 1} if job.profile.accelerator == "cpu" else None


def _finish(job: TrainingJob) -> Path:
    result = job.folder / RESULT_FOLDER
    scope = Path(job.source) / SCOPE_FILE
    if scope.is_file():
        shutil.copy(scope, result / SCOPE_FILE)
    shutil.rmtree(job.folder / "trainer", ignore_errors=True)
    return result
