"""What the agents of a game have seen of the last round, and how likely each is to collude by a response to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.paradigms.games.quantal import GameResponse
from atp_ray.paradigms.games.scenarios import game_of
from atp_ray.play.actions import Action, ActionArray
from atp_ray.play.capital import FloatArray
from atp_ray.play.counting import counted_actions
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.sight import seen_totals


def seat_chances(response: GameResponse, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
    """Return the probability of colluding for each index into `memory.seats`, [S]; what was erased is not seen."""
    numbers = game_of(memory.spec).numbers
    if (last := memory.last_round) is None:
        return response.collude_probability(numbers)
    seats = np.array([memory.seats[index] for index in indices])
    actions_A: ActionArray = counted_actions(memory.spec, last.public.actions_A)
    others_deviant_S = seen_totals(memory.spec, last.public, actions_A == Action.DEVIANT, seats).astype(float)
    others_aligned_S = seen_totals(memory.spec, last.public, actions_A == Action.ALIGNED, seats).astype(float)
    others_decided_S = others_deviant_S + others_aligned_S
    chance_S = response.collude_probability(numbers, others_deviant_S, others_decided_S, last.public.success)
    if last.forgotten_S:
        forgotten_S = np.array(last.forgotten_S)[list(indices)]
        chance_S = np.where(forgotten_S, response.collude_probability(numbers), chance_S)
    return chance_S
