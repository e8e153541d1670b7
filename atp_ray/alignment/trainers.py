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

from atp_ray.alignment.deepspeed_options import zero_options
from atp_ray.alignment.pairs import PreferencePair, conversational_rows
from atp_ray.alignment.profiles import CommonProfile, DpoProfile, GrpoProfile
from atp_ray.alignment.rewards import reply_reward
from atp_ray.alignment.training_prompts import TrainingPrompt


def dpo_trainer(
    profile: DpoProfile,
    source: str,
    pairs: Sequence[PreferencePair],
    output: Path,
    trackers: Sequence[str] = (),
    revision: str | None = None,
) -> DPOTrainer:
    """Return a DPO trainer of the checkpoint `source` on preference pairs."""
    arguments = DPOConfig(
        **_common(profile, output, trackers),
        max_length=profile.max_length,
        loss_type=["sigmoid"],
        disable_dropout=True,
    )
    return DPOTrainer(
        model=_model(profile, source, revision),
        args=arguments,
        train_dataset=Dataset.from_list(conversational_rows(pairs)),
        processing_class=AutoTokenizer.from_pretrained(source, revision=revision),
        peft_config=_adapter(profile),
    )


def grpo_trainer(
    profile: GrpoProfile,
    source: str,
    prompts: Sequence[TrainingPrompt],
    output: Path,
    trackers: Sequence[str] = (),
    revision: str | None = None,
) -> GRPOTrainer:
    """Return a GRPO trainer of the checkpoint `source` on training prompts; their lengths are looked at before."""
    arguments = GRPOConfig(
        **_common(profile, output, trackers),
        num_generations=profile.group_size,
        max_completion_length=profile.max_completion,
        temperature=profile.temperature,
        epsilon=profile.epsilon,
        loss_type="grpo",
        use_vllm=profile.generator != "transformers",
        vllm_mode="server" if profile.generator == "vllm_server" else "colocate",
        vllm_server_base_url=profile.vllm_server_url if profile.generator == "vllm_server" else None,
        vllm_gpu_memory_utilization=profile.vllm_memory,
        vllm_max_model_length=profile.max_prompt + profile.max_completion,
    )
    return GRPOTrainer(
        model=_model(profile, source, revision),
        reward_funcs=rewards,
        args=arguments,
        train_dataset=Dataset.from_list([_row(prompt) for prompt in prompts]),
        processing_class=AutoTokenizer.from_pretrained(source, revision=revision),
        peft_config=_adapter(profile),
    )


def rewards(
    completions: list[list[dict[str, str]]], options: list[list[str]], answer: list[str | None], **_: Any
) -> list[float]:
    """Return the reward of each completion, in the form TRL asks for."""
    return [
        reply_reward(completion[-1]["content"], (pair[0], pair[1]), truth)
        for completion, pair, truth in zip(completions, options, answer, strict=True)
    ]


def _row(prompt: TrainingPrompt) -> dict[str, Any]:
    answer = prompt.problem.answer if prompt.problem is not None else None
    return {"prompt": list(prompt.messages), "options": list(prompt.options), "answer": answer}


def _model(profile: CommonProfile, source: str, revision: str | None) -> Any:
    return AutoModelForCausalLM.from_pretrained(
        source, revision=revision, dtype=torch.bfloat16 if profile.precision == "bf16" else torch.float32
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


def _common(profile: CommonProfile, output: Path, trackers: Sequence[str]) -> dict[str, Any]:
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
