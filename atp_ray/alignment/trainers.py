"""TRL trainers built from a training profile. Imported only where training happens: TRL and torch are dear."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer

from atp_ray.alignment.pairs import PreferencePair, conversational_rows
from atp_ray.alignment.profiles import CommonProfile, DpoProfile, GrpoProfile
from atp_ray.alignment.rewards import choice_reward
from atp_ray.alignment.training_prompts import TrainingPrompt


def dpo_trainer(profile: DpoProfile, source: str, pairs: Sequence[PreferencePair], output: Path) -> DPOTrainer:
    """Return a DPO trainer of the checkpoint `source` on preference pairs."""
    arguments = DPOConfig(
        **_common(profile, output),
        max_length=profile.max_length,
        loss_type=["sigmoid"],
        disable_dropout=True,
    )
    return DPOTrainer(
        model=_model(profile, source),
        args=arguments,
        train_dataset=Dataset.from_list(conversational_rows(pairs)),
        processing_class=AutoTokenizer.from_pretrained(source),
        peft_config=_adapter(profile),
    )


def grpo_trainer(profile: GrpoProfile, source: str, prompts: Sequence[TrainingPrompt], output: Path) -> GRPOTrainer:
    """Return a GRPO trainer of the checkpoint `source` on prompts with two choices (games, role-play)."""
    arguments = GRPOConfig(
        **_common(profile, output),
        num_generations=profile.group_size,
        max_completion_length=profile.max_completion,
        temperature=profile.temperature,
        epsilon=profile.epsilon,
        loss_type="grpo",
        use_vllm=profile.generation == "vllm",
    )
    rows = [{"prompt": list(prompt.messages), "options": list(prompt.options)} for prompt in prompts]
    return GRPOTrainer(
        model=_model(profile, source),
        reward_funcs=rewards,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(source),
        peft_config=_adapter(profile),
    )


def rewards(completions: list[list[dict[str, str]]], options: list[list[str]], **_: Any) -> list[float]:
    """Return the reward of each completion, in the form TRL asks for."""
    return [
        choice_reward(completion[-1]["content"], (pair[0], pair[1]))
        for completion, pair in zip(completions, options, strict=True)
    ]


def _model(profile: CommonProfile, source: str) -> Any:
    return AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.bfloat16 if profile.precision == "bf16" else torch.float32
    )


def _adapter(profile: CommonProfile) -> LoraConfig | None:
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


def _common(profile: CommonProfile, output: Path) -> dict[str, Any]:
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
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": profile.save_steps,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": profile.seed,
    }
