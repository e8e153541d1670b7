"""The prompts alignment trains on: first-round prompts of a paradigm, none of which an evaluation uses."""

from __future__ import annotations

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.teaching import Like, TrainingPrompt


def training_prompts(
    paradigm_name: str, count: int | None = None, seed: int = 0, like: Like = "ours"
) -> list[TrainingPrompt]:
    """Return the training prompts of a paradigm, the same ones for the same seed.

    Args:
        count: take only so many, spread evenly over the scenarios; None takes all.
        like: whose numbers the prompts have.

    Raises:
        UsageError: there is no such paradigm, or it has none.
    """
    teaching = paradigm(paradigm_name).teaching
    prompts = teaching.paper_prompts(count, seed) if like == "paper" else teaching.training_prompts(count, seed)
    if count is None or count >= len(prompts):
        return prompts
    chosen = np.linspace(0, len(prompts) - 1, count).round().astype(int)
    return [prompts[i] for i in chosen]
