"""Populations of fitted responders in arrays: one pair after the other, or all pairs at once in rounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.networks.neighbours import Neighbours
from atp_ray.responses.features import Array
from atp_ray.responses.responder import Responder
from atp_ray.responses.window_codes import Codes

FLIP_WINDOW = 3  # interactions per agent over which a flip is counted
MOST_REDRAWS = 1000  # a meeting that no other can replace takes place after all

IntArray = npt.NDArray[np.int64]


class Game(NamedTuple):
    """A naming game: all agents begin with a full memory of `start`, committed ones always choose `to`."""

    n_agents: int
    start: int
    to: int
    n_interactions: int


class Lanes(NamedTuple):
    """Populations side by side [L]: who is committed, and what is done about it.

    The first `committed_L` agents always choose the game's `to`, the last `holding_L` always its `start`. The first
    `protected_L` agents after the committed ones never meet a committed agent. A meeting with a committed agent is
    called off, and another takes its place, with probability `avoided_L`. An agent that is not committed does not
    remember a meeting with probability `unseen_L`.
    """

    committed_L: IntArray
    holding_L: IntArray
    protected_L: IntArray
    avoided_L: Array
    unseen_L: Array

    @classmethod
    def of(
        cls,
        committed_L: npt.ArrayLike,
        holding: npt.ArrayLike = 0,
        protected: npt.ArrayLike = 0,
        avoided: npt.ArrayLike = 0.0,
        unseen: npt.ArrayLike = 0.0,
    ) -> Lanes:
        """Return lanes with the same for all where a single number is given."""
        counts = np.asarray(committed_L, dtype=np.int64)
        held_L, protected_L = (
            np.broadcast_to(np.asarray(each, np.int64), counts.shape) for each in (holding, protected)
        )
        avoided_L, unseen_L = (np.broadcast_to(np.asarray(each, float), counts.shape) for each in (avoided, unseen))
        return cls(counts, held_L, protected_L, avoided_L, unseen_L)


class Flips(NamedTuple):
    """Per lane: whether the population ended on the committed name, and after how many interactions it had for good.

    `after_L` is the number of interactions played where it did not. `share_L` is that of `to` among the answers of the
    last 3 n interactions.
    """

    flipped_L: npt.NDArray[np.bool_]
    after_L: IntArray
    share_L: Array


def play_pairs(
    responder: Responder,
    game: Game,
    lanes: Lanes,
    generator: np.random.Generator,
    neighbours: Neighbours | None = None,
) -> Flips:
    """Play populations side by side, each one random pair at a time, as arXiv 2410.08948 does.

    A population has flipped when more than half of the answers of the last 3 n interactions are `to`.

    Args:
        neighbours: who can meet whom: a random agent meets a random neighbour, and which agents are committed is drawn
            for each population. All can meet all if not given.
    """
    codes, n_agents, every_L = responder.codes, game.n_agents, np.arange(len(lanes.committed_L))
    codes_LA = np.full((len(every_L), n_agents), codes.full_of(game.start), dtype=codes.dtype)
    # A number says what an agent is; on a graph it is also important where it is.
    rank_LA = (
        None if neighbours is None else generator.permuted(np.tile(np.arange(n_agents), (len(every_L), 1)), axis=1)
    )
    span = FLIP_WINDOW * n_agents
    recent_SL = np.zeros((span, len(every_L)), dtype=np.int8)
    answers_L = np.zeros(len(every_L), dtype=np.int64)
    after_L = np.full(len(every_L), game.n_interactions, dtype=np.int64)
    majority_L = np.zeros(len(every_L), dtype=bool)
    forgets = bool(lanes.unseen_L.any())
    for interaction in range(game.n_interactions):
        pair = _pairs(lanes, n_agents, generator, neighbours, rank_LA)
        ranks = pair if rank_LA is None else [rank_LA[every_L, agent_L] for agent_L in pair]
        choices: list[npt.NDArray[np.int8]] = []
        for agent_L, rank_L in zip(pair, ranks, strict=True):
            below_LK = responder.below(codes_LA[every_L, agent_L])
            chosen_L = (generator.random(len(every_L))[:, None] > below_LK).sum(axis=1)
            chosen_L = np.where(rank_L >= n_agents - lanes.holding_L, game.start, chosen_L)
            choices.append(np.where(rank_L < lanes.committed_L, game.to, chosen_L).astype(np.int8))
        for agent_L, own_L, other_L in zip(pair, choices, reversed(choices), strict=True):
            before_L = codes_LA[every_L, agent_L]
            after = codes.remembered(before_L, own_L, other_L)
            if forgets:
                after = np.where(generator.random(len(every_L)) < lanes.unseen_L, before_L, after)
            codes_LA[every_L, agent_L] = after
        row = interaction % span
        answers_L -= recent_SL[row]
        recent_SL[row] = (choices[0] == game.to).astype(np.int8) + (choices[1] == game.to)
        answers_L += recent_SL[row]
        majority_L = answers_L > min(interaction + 1, span)
        after_L = np.where(majority_L, np.minimum(after_L, interaction + 1), game.n_interactions)
    return Flips(majority_L, after_L, answers_L / (2 * min(game.n_interactions, span)))


def _pairs(
    lanes: Lanes,
    n_agents: int,
    generator: np.random.Generator,
    neighbours: Neighbours | None,
    rank_LA: IntArray | None,
) -> list[IntArray]:
    """Return two different agents of each lane who meet; meetings that are prevented are drawn again."""
    one_L, two_L = _drawn(len(lanes.committed_L), n_agents, generator, neighbours)
    if not (lanes.protected_L.any() or lanes.avoided_L.any()):
        return [one_L, two_L]
    lanes_L = np.arange(len(one_L))
    here = lanes_L  # lanes whose pair is still to be looked at
    for _ in range(MOST_REDRAWS):
        if not len(here):
            break
        pair = (one_L[here], two_L[here])
        ranks = pair if rank_LA is None else tuple(rank_LA[here, agent_L] for agent_L in pair)
        low, high = np.minimum(*ranks), np.maximum(*ranks)
        committed, protected = lanes.committed_L[here], lanes.protected_L[here]
        mixed = (low < committed) & (high >= committed)
        hidden = high < committed + protected
        called_off = mixed & (hidden | (generator.random(len(here)) < lanes.avoided_L[here]))
        here = here[called_off]
        one_L[here], two_L[here] = _drawn(len(here), n_agents, generator, neighbours)
    return [one_L, two_L]


def _drawn(
    n: int, n_agents: int, generator: np.random.Generator, neighbours: Neighbours | None
) -> tuple[IntArray, IntArray]:
    if neighbours is None:
        one = generator.integers(n_agents, size=n)
        return one, (one + generator.integers(1, n_agents, size=n)) % n_agents
    indptr, indices = neighbours
    linked = np.flatnonzero(np.diff(indptr))
    one = linked[generator.integers(len(linked), size=n)]
    return one, _partner(one, indptr, indices, generator)


def _partner(
    one: IntArray, indptr: IntArray, indices: npt.NDArray[np.int32], generator: np.random.Generator
) -> IntArray:
    degree = indptr[one + 1] - indptr[one]
    return np.asarray(indices[indptr[one] + generator.integers(degree)], dtype=np.int64)


def play_rounds(
    responder: Responder,
    codes_A: Codes,
    n_committed: int,
    to: int,
    n_rounds: int,
    generator: np.random.Generator,
    neighbours: Neighbours | None = None,
) -> Array:
    """Return the share of `to` among all answers, round by round, of one population; all meet in random pairs at once.

    Args:
        codes_A: what each agent remembers; changed in place. With an odd number one agent pauses each round.
        neighbours: who can meet whom; all can meet all if not given. On a graph those pause whom nobody can meet who
            does not meet another already.
    """
    n_agents, codes = len(codes_A), responder.codes
    shares = []
    for _ in range(n_rounds):
        one, two = _matched(n_agents, generator, neighbours)
        below_AK = responder.below(codes_A).astype(np.float32)
        chosen_A = (generator.random(n_agents, dtype=np.float32)[:, None] > below_AK).sum(axis=1, dtype=np.int8)
        chosen_A[:n_committed] = to
        codes_A[one], codes_A[two] = (
            codes.remembered(codes_A[one], chosen_A[one], chosen_A[two]),
            codes.remembered(codes_A[two], chosen_A[two], chosen_A[one]),
        )
        shares.append(float((chosen_A == to).mean()))
    return np.array(shares)


def _matched(n_agents: int, generator: np.random.Generator, neighbours: Neighbours | None) -> tuple[IntArray, IntArray]:
    """Return who meets whom: nobody twice."""
    if neighbours is None:
        order = generator.permutation(n_agents)
        return order[: n_agents // 2], order[n_agents // 2 : n_agents // 2 * 2]
    indptr, indices = neighbours
    one = np.flatnonzero(np.diff(indptr))
    two = _partner(one, indptr, indices, generator)
    # Of proposals that share an agent the earliest counts.
    turn = generator.permutation(len(one))
    first_A = np.full(n_agents, n_agents)
    np.minimum.at(first_A, one, turn)
    np.minimum.at(first_A, two, turn)
    kept = (first_A[one] == turn) & (first_A[two] == turn)
    return one[kept], two[kept]
