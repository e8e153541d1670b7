"""A small population of pairs as an exact Markov chain: how many agents hold each memory is all that matters."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import comb
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from atp_ray.responses.population import FLIP_WINDOW, Game
from atp_ray.responses.responder import Responder

MOST_STATES = 5_000
MOST_ENTRIES = 1_000_000  # states times possible counts of answers


class _Steps(NamedTuple):
    """Transitions [X, X] of one interaction with 0, 1 and 2 answers of the committed name, and the first state."""

    by_answers: tuple[csr_array, csr_array, csr_array]
    first: int


def n_states(responder: Responder, game: Game, committed: int) -> int:
    """Return how many states the chain has."""
    n_windows = responder.codes.n_names ** (2 * responder.codes.memory)
    return comb(game.n_agents - committed + n_windows - 1, n_windows - 1)


def is_small(responder: Responder, game: Game, committed: int) -> bool:
    """Return whether the chain can be followed in seconds."""
    states = n_states(responder, game, committed)
    answers = 2 * FLIP_WINDOW * game.n_agents + 1
    return states <= MOST_STATES and states * answers <= MOST_ENTRIES and responder.codes.tabulated


def flip_chance(responder: Responder, game: Game, committed: int) -> float:
    """Return the probability that more than half of the answers in the last 3 n interactions are the committed name."""
    steps = _steps(responder, game, committed)
    any_answers = sum(steps.by_answers[1:], steps.by_answers[0])
    counted = min(FLIP_WINDOW * game.n_agents, game.n_interactions)
    chance_X = np.zeros(any_answers.shape[0])
    chance_X[steps.first] = 1.0
    for _ in range(game.n_interactions - counted):
        chance_X = chance_X @ any_answers
    chance_CX = np.zeros((2 * counted + 1, len(chance_X)))  # C answers of the committed name so far
    chance_CX[0] = chance_X
    for _ in range(counted):
        zero, one, two = (np.asarray(chance_CX @ step) for step in steps.by_answers)
        zero[1:] += one[:-1]
        zero[2:] += two[:-2]
        chance_CX = zero
    return float(chance_CX[counted + 1 :].sum())


def _steps(responder: Responder, game: Game, committed: int) -> _Steps:
    codes, n, free = responder.codes, game.n_agents, game.n_agents - committed
    own_UH, _ = codes.windows()
    full_W = np.flatnonzero((own_UH >= 0).all(axis=1)).astype(codes.dtype)
    chances_WK = responder.table_UK[full_W]
    place = {int(code): index for index, code in enumerate(full_W)}
    held_XW = np.array(
        [np.bincount(held, minlength=len(full_W)) for held in combinations_with_replacement(range(len(full_W)), free)],
        dtype=np.int64,
    ).reshape(-1, len(full_W))
    number = {row.tobytes(): index for index, row in enumerate(held_XW)}
    entries: list[list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = [[], [], []]  # type: ignore[type-arg]
    types = [*range(len(full_W)), None]  # None is a committed agent

    def after(window: int | None, own: int, other: int) -> int | None:
        if window is None:
            return None
        return place[int(codes.remembered(full_W[[window]], np.array([own], np.int8), np.array([other], np.int8))[0])]

    for one in types:
        for two in types:
            first_X = held_XW[:, one] if one is not None else np.full(len(held_XW), committed)
            second_X = (held_XW[:, two] if two is not None else np.full(len(held_XW), committed)) - (one == two)
            meet_X = first_X * np.maximum(second_X, 0) / (n * (n - 1))
            here = np.flatnonzero(meet_X > 0)
            for own in range(codes.n_names) if len(here) else ():
                for other in range(codes.n_names):
                    chance = _chance(chances_WK, one, own, game.to) * _chance(chances_WK, two, other, game.to)
                    if chance == 0:
                        continue
                    moved = held_XW[here].copy()
                    for before, then in ((one, after(one, own, other)), (two, after(two, other, own))):
                        if before is not None and then is not None:
                            moved[:, before] -= 1
                            moved[:, then] += 1
                    there = np.array([number[row.tobytes()] for row in moved])
                    answers = int(own == game.to) + int(other == game.to)
                    entries[answers].append((here, there, meet_X[here] * chance))
    shape = (len(held_XW), len(held_XW))
    matrices = []
    for found in entries:
        rows, columns, chances = (
            (np.concatenate([np.zeros(0, int), *column]) for column in zip(*found, strict=True))
            if found
            else (np.zeros(0, int),) * 3
        )
        matrices.append(csr_array((chances.astype(float), (rows.astype(int), columns.astype(int))), shape=shape))
    begin = np.zeros(len(full_W), dtype=np.int64)
    begin[place[codes.full_of(game.start)]] = free
    return _Steps((matrices[0], matrices[1], matrices[2]), number[begin.tobytes()])


def _chance(chances_WK: np.ndarray, window: int | None, name: int, to: int) -> float:  # type: ignore[type-arg]
    return float(name == to) if window is None else float(chances_WK[window, name])
