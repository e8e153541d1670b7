"""One alignment run under Ray Train: workers that restart from the last checkpoint, and a result that can be served."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyarrow.fs import FileSelector, LocalFileSystem, copy_files
from ray.train import Checkpoint, CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from ray.train.v2.api.exceptions import TrainingFailedError

from actors.tokens import driver_tokens
from atp_ray.alignment.learning_curve import MetricRow, log_rows, write_metrics
from atp_ray.checkpoint.scope import SCOPE_FILE
from atp_ray.errors import EngineError
from atp_ray.storage.object_store import open_store
from atp_ray.storage.places import is_address
from tune_sweeps.process_group import NodeAddressTorchConfig
from tune_sweeps.training_files import name_base
from tune_sweeps.training_job import STATE_FILE, TrainingJob
from tune_sweeps.training_progress import Step, progress_board

# What a checkpoint holds besides the model: needed to go on, not to serve. Folders (ZeRO's shards) are left out too.
TRAINING_STATE = ("optimizer", "scheduler", "rng_state", "scaler", "latest", "zero_to_fp32", "training_args")


def run_training(job: TrainingJob, on_progress: Callable[[Step], None] = lambda _: None) -> list[MetricRow]:
    """Train, or go on where the same job was stopped; returns the learning curve.

    The result in `job.result` is a checkpoint in Hugging Face format (an adapter where the profile has LoRA), with the
    base's tokenizer and training scope beside it; the learning curve is also written to `metrics.parquet`.

    Args:
        on_progress: called for each step about twice a second, from another thread.

    Raises:
        EngineError: the workers failed more often than the profile allows; the last checkpoint is kept.
    """
    with progress_board(job.tensorboard, on_progress) as board:
        trainer = TorchTrainer(
            _train,
            train_loop_config={"job": job, "board": board, "tokens": driver_tokens()},
            torch_config=NodeAddressTorchConfig(),
            # Ray's own strategy is PACK, on as few nodes as hold the workers: gradients travel slower between nodes.
            scaling_config=ScalingConfig(
                num_workers=job.profile.workers,
                use_gpu=job.profile.accelerator == "gpu",
                resources_per_worker=job.worker_resources,
            ),
            run_config=RunConfig(
                name=job.name,
                **_storage(job),
                failure_config=FailureConfig(max_failures=job.profile.worker_failures),
                checkpoint_config=CheckpointConfig(num_to_keep=2),
            ),
        )
        try:
            result = trainer.fit()
        except TrainingFailedError as error:
            hint = "The last checkpoint is kept; run the same command to resume"
            if "OutOfMemoryError" in str(error):
                hint = "Choose another --out with smaller batch or lengths (--set), or a profile with lora or zero: 3"
            raise EngineError(f"training failed: {_reason(error)}", str(job.folder), hint) from error
    return _finish(job, result.checkpoint)


def _storage(job: TrainingJob) -> dict[str, Any]:
    """Return Ray Train's options for where checkpoints go; the workers need not know the endpoint of a store."""
    if not is_address(job.storage_path):
        return {"storage_path": job.storage_path}
    store = open_store(job.storage_path)
    return {"storage_path": store.path, "storage_filesystem": store.filesystem}


def _train(config: dict[str, Any]) -> None:
    # Imported here: only a worker pays for torch and TRL.
    from tune_sweeps.training_worker import train_worker

    config["tokens"].install()
    train_worker(config)


def _finish(job: TrainingJob, checkpoint: Checkpoint) -> list[MetricRow]:
    """Fetch the result from wherever it is stored; it appears in the run's folder whole or not at all."""
    with tempfile.TemporaryDirectory(dir=job.folder, prefix=".result-") as scratch:
        fetched = Path(scratch) / "result"
        fetched.mkdir()
        for info in checkpoint.filesystem.get_file_info(FileSelector(checkpoint.path)):
            if info.is_file and not info.base_name.startswith(TRAINING_STATE):
                copy_files(info.path, str(fetched / info.base_name), checkpoint.filesystem, LocalFileSystem())
        state = fetched / STATE_FILE
        rows = log_rows(json.loads(state.read_text(encoding="utf-8"))["log_history"])
        state.unlink()
        name_base(fetched, job)
        scope = Path(job.source) / SCOPE_FILE
        if scope.is_file():
            shutil.copy(scope, fetched / SCOPE_FILE)
        shutil.rmtree(job.result, ignore_errors=True)
        fetched.replace(job.result)
    write_metrics(rows, job.folder / "metrics.parquet")
    return rows


def _reason(error: TrainingFailedError) -> str:
    failures = getattr(error, "worker_failures", None) or {}
    text = str(next(iter(failures.values()), error)).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
