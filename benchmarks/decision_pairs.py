"""Preference pairs whose training has a known outcome; benchmarks and tests train on them."""

from __future__ import annotations

import json

from atp_ray.alignment.pairs import PreferencePair
from atp_ray.alignment.training_prompts import training_prompts


def role_play_pairs(count: int) -> list[PreferencePair]:
    """Return preference pairs of role-play in which only the decision differs."""
    return [
        PreferencePair(
            pair_id=prompt.prompt_id,
            paradigm="role_play",
            system=prompt.messages[0]["content"],
            prompt=prompt.messages[1]["content"],
            chosen=json.dumps({"choice": prompt.options[1]}),
            rejected=json.dumps({"choice": prompt.options[0]}),
        )
        for prompt in training_prompts("role_play", count)
    ]
