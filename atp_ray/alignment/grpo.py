"""TRL's GRPO trainer from a training profile. Imported only where it is used: TRL imports all of vLLM with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
    ends: set[int] = set()
    # Before the model: under ZeRO-3 Transformers then loads each worker's share of it only.
    arguments = GRPOConfig(**grpo_options(profile, output, trackers))
    trainer = GRPOTrainer(
        model=load_model(profile, source, revision),
        reward_funcs=rewards_of_finished(ends) if profile.mask_truncated else rewards,
        args=arguments,
        train_dataset=Dataset.from_list([_row(prompt) for prompt in prompts]),
        processing_class=AutoTokenizer.from_pretrained(source, revision=revision),
        peft_config=adapter_options(profile),
    )
    # TRL finds out which tokens end a completion; the reward must mean the same by "cut off" as its loss mask.
    ends.update([*trainer.eos_token_ids, trainer.processing_class.pad_token_id])
    return trainer


def grpo_options(profile: GrpoProfile, output: Path, trackers: Sequence[str]) -> dict[str, Any]:
    """Return TRL's options of a profile."""
    return common_options(profile, output, trackers) | {
        "num_generations": profile.group_size,
        "max_completion_length": profile.max_completion,
        "temperature": profile.temperature,
        "epsilon": profile.epsilon,
        "loss_type": "grpo",
        "mask_truncated_completions": profile.mask_truncated,
        "chat_template_kwargs": profile.template_options or None,
        "use_vllm": profile.generator != "transformers",
        "vllm_mode": "server" if profile.generator == "vllm_server" else "colocate",
        "vllm_server_base_url": profile.vllm_server_url,
        "vllm_group_port": profile.vllm_group_port,
        "vllm_gpu_memory_utilization": profile.vllm_memory,
        "vllm_max_model_length": profile.max_prompt + profile.max_completion,
    }


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


def rewards_of_finished(ends: Collection[int]) -> Callable[..., list[float | None]]:
    """Return `rewards` with None for a completion that does not end in one of the tokens `ends`.

    TRL leaves a completion without a reward out of its group's average. Its own mask does not: there the 0 of a reply
    that was cut off would still raise what the others of the group are worth.
    """

    def of_finished(completions: Any, completion_ids: Sequence[Sequence[int]], **columns: Any) -> list[float | None]:
        scored = zip(completion_ids, rewards(completions, **columns), strict=True)
        return [score if ids and ids[-1] in ends else None for ids, score in scored]

    of_finished.__name__ = rewards.__name__  # TRL names the metrics after it
    return of_finished


def _row(prompt: TrainingPrompt) -> dict[str, Any]:
    return {
        "prompt": list(prompt.messages),
        "paradigm": prompt.paradigm,
        "options": list(prompt.options),
        "answer": prompt.answer,
    }
