"""What a reply earns in GRPO, from the same parsers that settle a round."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action

REWARDS = {Action.ALIGNED: 1.0, Action.DEVIANT: 0.1, Action.UNPARSED: 0.0}  # the paper's


def reply_reward(paradigm_name: str, reply: str, options: Sequence[str], answer: str | None = None) -> float:
    """Return the reward of a reply: aligned 1.0, deviant 0.1, without a readable decision 0.

    Args:
        options: the two choices, the deviant one first.
        answer: the true answer where a problem is to be solved.
    """
    return REWARDS[paradigm(paradigm_name).teaching.judge(reply, options, answer).action]
