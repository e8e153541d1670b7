"""What an unreadable reply counts as: nothing (ours), or the action that was not seen to be taken (the reference's)."""

from __future__ import annotations

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.episodes import EpisodeSpec


def counted_actions(spec: EpisodeSpec, action_A: ActionArray) -> ActionArray:
    """Return the actions [A] as the episode counts them.

    With `unreadable: counted` an unparsed reply is the paradigm's `unreadable_as`; a turn that never returned stays
    missing, as nothing is assumed of a model that was not heard.
    """
    if spec.unreadable == "left_out":
        return action_A
    assumed = np.int8(paradigm(spec.paradigm).environment.unreadable_as)
    return np.where(action_A == Action.UNPARSED, assumed, action_A).astype(np.int8)


def assumed_seats(spec: EpisodeSpec, action_A: ActionArray) -> int:
    """Return how many seats' actions are assumed and not read."""
    return int((counted_actions(spec, action_A) != action_A).sum())
