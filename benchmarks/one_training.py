"""One training of `benchmarks.training_on_gpu` in a process of its own, set up as Ray Train sets up a lone worker."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Literal

from atp_ray.alignment.learning_curve import log_rows, series
from atp_ray.alignment.profiles import Method, TrainingProfile, load_profile
from atp_ray.alignment.training_prompts import training_prompts
from atp_ray.config_files import Frozen
from benchmarks.decision_pairs import role_play_pairs

PAIRS = 32
PROMPTS = 64


class Training(Frozen):
    """What is trained: a shipped profile with some of its keys changed, from `checkpoint`, a folder, into `folder`."""

    name: str
    method: Method
    profile: str
    settings: tuple[str, ...]
    device: Literal["cuda", "cpu"]
    checkpoint: str
    folder: Path
    resume_from: Path | None = None

    def loaded(self) -> TrainingProfile:
        """Return the profile with the changed keys."""
        return load_profile(self.profile, self.method, self.settings)


class Trained(Frozen):
    """What came of it; `gains` are DPO's margins or GRPO's rewards, `peak_bytes` the GPU's (0 on a CPU)."""

    losses: list[float]
    gains: list[float]
    seconds: float
    peak_bytes: int


class Found(Frozen):
    """How a result differs from its base, in 32 bits.

    `moved` is the largest change of a weight; `margin` how much more the log probability of the chosen reply rose than
    that of the rejected, in nats, averaged over the pairs of the DPO runs; `merge_error` the largest difference of a
    logit that merging the adapter makes (None: no adapter).
    """

    result: str
    moved: float
    margin: float
    merge_error: float | None
    error: str | None = None


def train(training: Training) -> Trained:
    """Train in this process, which can do so once: what DeepSpeed and Accelerate set up stays."""
    import torch

    from tune_sweeps.deepspeed_start import start_deepspeed

    profile = training.loaded()
    _join_process_group(training.device)
    if profile.zero:
        start_deepspeed(training.device == "cuda", profile.offload)
    if training.method == "dpo":
        from atp_ray.alignment.dpo import dpo_trainer

        trainer = dpo_trainer(profile, training.checkpoint, role_play_pairs(PAIRS), training.folder)
    else:
        from atp_ray.alignment.grpo import grpo_trainer

        prompts = training_prompts("role_play", PROMPTS)
        trainer = grpo_trainer(profile, training.checkpoint, prompts, training.folder)
    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=None if training.resume_from is None else str(training.resume_from))
    seconds = time.perf_counter() - start
    rows = log_rows(trainer.state.log_history)
    return Trained(
        losses=series(rows, "loss")[1],
        gains=series(rows, "rewards/margins" if training.method == "dpo" else "reward")[1],
        seconds=seconds,
        peak_bytes=torch.cuda.max_memory_allocated() if training.device == "cuda" else 0,
    )


def _join_process_group(device: str) -> None:
    """Set what Ray Train sets in each worker (its `_setup_torch_process_group`), for one worker alone."""
    import torch
    import torch.distributed

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = {"RANK": 0, "LOCAL_RANK": 0, "NODE_RANK": 0, "WORLD_SIZE": 1, "LOCAL_WORLD_SIZE": 1}
    os.environ.update({name: str(value) for name, value in ranks.items()})
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ["ACCELERATE_TORCH_DEVICE"] = "cuda:0" if device == "cuda" else "cpu"
    if device == "cuda":
        torch.cuda.set_device(0)
    torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")


def main() -> None:
    training = Training.model_validate_json(sys.argv[1])
    trained = train(training)
    (training.folder / "trained.json").write_text(trained.model_dump_json())


if __name__ == "__main__":
    main()
