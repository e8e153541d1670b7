"""TRL's GRPO trainer from a training profile. Imported only where it is used: TRL imports all of vLLM with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from atp_ray.alignment.profiles import GrpoProfile
from atp_ray.alignment.rewards import reply_reward
from atp_ray.alignment.trainer_options import adapter_options, common_options, load_model
from atp_ray.paradigms.teaching import TrainingPrompt


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
        **common_options(profile, output, trackers),
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
        model=load_model(profile, source, revision),
        reward_funcs=rewards,
        args=arguments,
        train_dataset=Dataset.from_list([_row(prompt) for prompt in prompts]),
        processing_class=AutoTokenizer.from_pretrained(source, revision=revision),
        peft_config=adapter_options(profile),
    )


def rewards(
    completions: list[list[dict[str, str]]],
    paradigm: list[str],
    options: list[list[str]],
    answer: list[str | None],
    **_: Any,
) -> list[float]:
    """Return the reward of each completion, in the form TRL asks for."""
    return [
        reply_reward(name, completion[-1]["content"], (pair[0], pair[1]), truth)
        for completion, name, pair, truth in zip(completions, paradigm, options, answer, strict=True)
    ]


def _row(prompt: TrainingPrompt) -> dict[str, Any]:
    return {
        "prompt": list(prompt.messages),
        "paradigm": prompt.paradigm,
        "options": list(prompt.options),
        "answer": prompt.answer,
    }
