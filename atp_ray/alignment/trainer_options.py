"""What DPO and GRPO trainers share: the model, the adapter, and the options of Hugging Face's trainer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM

from atp_ray.alignment.deepspeed_options import zero_options
from atp_ray.alignment.profiles import CommonProfile


def load_model(profile: CommonProfile, source: str, revision: str | None) -> Any:
    """Return the model that is trained, in the profile's precision."""
    return AutoModelForCausalLM.from_pretrained(
        source, revision=revision, dtype=torch.bfloat16 if profile.precision == "bf16" else torch.float32
    )


def adapter_options(profile: CommonProfile) -> LoraConfig | None:
    """Return the LoRA adapter of a profile, None where all weights are trained."""
    lora = profile.lora
    if lora is None:
        return None
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def common_options(profile: CommonProfile, output: Path, trackers: Sequence[str]) -> dict[str, Any]:
    """Return the options of a profile that DPO and GRPO have in common."""
    return {
        "output_dir": str(output),
        "num_train_epochs": profile.epochs or 1,
        "max_steps": profile.steps or -1,
        "learning_rate": profile.learning_rate,
        "beta": profile.beta,
        "per_device_train_batch_size": profile.batch,
        "gradient_accumulation_steps": profile.accumulation,
        "warmup_steps": profile.warm_up,
        "lr_scheduler_type": profile.schedule,
        "bf16": profile.precision == "bf16",
        "use_cpu": profile.accelerator == "cpu",
        "gradient_checkpointing": profile.accelerator == "gpu",
        "deepspeed": zero_options(profile),
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": profile.save_steps,
        "save_total_limit": 2,
        "report_to": list(trackers) or "none",
        "run_name": profile.name,
        "disable_tqdm": True,
        "seed": profile.seed,
    }
