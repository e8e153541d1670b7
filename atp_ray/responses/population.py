"""Populations of fitted responders in arrays: one pair after the other, or all pairs at once in rounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.responses.features import Array
from atp_ray.responses.window_codes import Codes, WindowCodes

FLIP_WINDOW = 3  # interactions per agent over which a flip is counted


class Flips(NamedTuple):
    """Per lane: whether the population ended on the committed name, and after how many interactions it had for good.

    `after_L` is the number of interactions played where it did not.
    """

    flipped_L: npt.NDArray[np.bool_]
    after_L: npt.NDArray[np.int64]


def play_pairs(
    chances_UK: Array,
    codes: WindowCodes,
    committed_L: npt.NDArray[np.int64],
    n_agents: int,
    start: int,
    to: int,
    n_interactions: int,
    generator: np.random.Generator,
) -> Flips:
    """Play populations side by side, each one random pair at a time, as arXiv 2410.08948 does.

    All agents begin with a full memory of `start`; the first `committed_L` of them always choose `to`. A population has
    flipped when more than half of the answers of the last 3 n interactions are `to`.

    Args:
        chances_UK: probability of each name in each window, by code.
    """
    lanes = np.arange(len(committed_L))
    codes_LA = np.full((len(lanes), n_agents), codes.full_of(start), dtype=np.int32)
    below_UK = np.cumsum(chances_UK, axis=1)[:, :-1]
    span = FLIP_WINDOW * n_agents
    recent_SL = np.zeros((span, len(lanes)), dtype=np.int8)
    answers_L = np.zeros(len(lanes), dtype=np.int64)
    after_L = np.full(len(lanes), n_interactions, dtype=np.int64)
    majority_L = np.zeros(len(lanes), dtype=bool)
    for interaction in range(n_interactions):
        one_L = generator.integers(n_agents, size=len(lanes))
        two_L = (one_L + generator.integers(1, n_agents, size=len(lanes))) % n_agents
        choices: list[npt.NDArray[np.int8]] = []
        for agent_L in (one_L, two_L):
            below_LK = below_UK[codes_LA[lanes, agent_L]]
            chosen_L = (generator.random(len(lanes))[:, None] > below_LK).sum(axis=1)
            choices.append(np.where(agent_L < committed_L, to, chosen_L).astype(np.int8))
        for agent_L, own_L, other_L in ((one_L, choices[0], choices[1]), (two_L, choices[1], choices[0])):
            codes_LA[lanes, agent_L] = codes.remembered(codes_LA[lanes, agent_L], own_L, other_L)
        row = interaction % span
        answers_L -= recent_SL[row]
        recent_SL[row] = (choices[0] == to).astype(np.int8) + (choices[1] == to)
        answers_L += recent_SL[row]
        majority_L = answers_L > min(interaction + 1, span)
        after_L = np.where(majority_L, np.minimum(after_L, interaction + 1), n_interactions)
    return Flips(majority_L, after_L)


def play_rounds(
    chances_UK: Array,
    codes: WindowCodes,
    codes_A: Codes,
    n_committed: int,
    to: int,
    n_rounds: int,
    generator: np.random.Generator,
) -> Array:
    """Return the share of `to` among all answers, round by round, of one population; all meet in random pairs at once.

    Args:
        chances_UK: probability of each name in each window, by code.
        codes_A: what each agent remembers; changed in place. With an odd number one agent pauses each round.
    """
    n_agents = len(codes_A)
    below_UK = np.cumsum(chances_UK, axis=1)[:, :-1].astype(np.float32)
    shares = []
    for _ in range(n_rounds):
        order = generator.permutation(n_agents)
        one, two = order[: n_agents // 2], order[n_agents // 2 : n_agents // 2 * 2]
        chosen_A = (generator.random(n_agents, dtype=np.float32)[:, None] > below_UK[codes_A]).sum(
            axis=1, dtype=np.int8
        )
        chosen_A[:n_committed] = to
        codes_A[one], codes_A[two] = (
            codes.remembered(codes_A[one], chosen_A[one], chosen_A[two]),
            codes.remembered(codes_A[two], chosen_A[two], chosen_A[one]),
        )
        shares.append(float((chosen_A == to).mean()))
    return np.array(shares)
