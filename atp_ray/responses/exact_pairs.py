"""A small population of pairs as an exact Markov chain: how many agents hold each memory is all that matters."""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from math import comb
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from atp_ray.responses.features import Array
from atp_ray.responses.population import FLIP_WINDOW, Game, IntArray
from atp_ray.responses.responder import Responder

MOST_STATES = 5_000
MOST_ENTRIES = 1_000_000  # states times possible counts of answers


class _Entries(NamedTuple):
    """Probabilities of going from states to states."""

    from_E: IntArray
    to_E: IntArray
    chance_E: Array


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
    full_W = np.flatnonzero((own_UH >= 0).all(axis=1)).astype(codes.dtype)  # all begin with full memories
    place = {int(code): index for index, code in enumerate(full_W)}
    # The committed agents are one more kind: they have no memory, and one answer.
    n_windows, n_names = len(full_W), codes.n_names
    chances_TK = np.vstack([responder.table_UK[full_W], np.arange(n_names) == game.to])
    held_XT = np.array(
        [np.bincount(held, minlength=n_windows) for held in combinations_with_replacement(range(n_windows), free)]
    ).reshape(-1, n_windows)
    number = {row.tobytes(): index for index, row in enumerate(held_XT)}
    held_XT = np.column_stack([held_XT, np.full(len(held_XT), committed)])

    def after(kind: int, own: int, other: int) -> int:
        if kind == n_windows:
            return kind
        return place[int(codes.remembered(full_W[[kind]], np.array([own], np.int8), np.array([other], np.int8))[0])]

    entries: list[list[_Entries]] = [[], [], []]
    names = list(product(range(n_names), repeat=2))
    for one, two in product(range(n_windows + 1), repeat=2):
        meet_X = held_XT[:, one] * np.maximum(held_XT[:, two] - (one == two), 0) / (n * (n - 1))
        here = np.flatnonzero(meet_X)
        if not len(here):
            continue
        for own, other in names:
            chance = chances_TK[one, own] * chances_TK[two, other]
            if chance == 0:
                continue
            moved = held_XT[here].copy()
            for before, then in ((one, after(one, own, other)), (two, after(two, other, own))):
                moved[:, before] -= 1
                moved[:, then] += 1
            there = np.array([number[row.tobytes()] for row in moved[:, :n_windows]])
            entries[int(own == game.to) + int(other == game.to)].append(_Entries(here, there, meet_X[here] * chance))
    begin = np.zeros(n_windows, dtype=held_XT.dtype)
    begin[place[codes.full_of(game.start)]] = free
    none, one_answer, both = (_matrix(found, len(held_XT)) for found in entries)
    return _Steps((none, one_answer, both), number[begin.tobytes()])


def _matrix(entries: list[_Entries], n_states: int) -> csr_array:
    if not entries:
        return csr_array((n_states, n_states), dtype=float)
    rows, columns, chances = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    return csr_array((chances, (rows, columns)), shape=(n_states, n_states))
