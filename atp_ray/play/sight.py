"""Whom a seat sees: everyone else, or its neighbours where the episode has a network; never who is quarantined.

What is shown of them is the episode's visibility. Prompts, counts and policies all ask here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action
from atp_ray.play.decisions import BoolArray, IntArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.turns import PublicRound


class OthersCount(NamedTuple):
    """How the seats that one seat sees acted in a round: colluders, decisions read, seats without a decision."""

    n_deviant: int
    n_decided: int
    n_silent: int


def seen_seats(spec: EpisodeSpec, public: PublicRound, seat: int) -> IntArray:
    """Return whom `seat` sees of a round, ascending."""
    return _others(spec, public.hidden, seat)


def heard_seats(spec: EpisodeSpec, round_number: int, hidden: frozenset[int], seat: int) -> IntArray:
    """Return whose messages `seat` hears in a round, ascending: whom it sees, or of a pair its partner."""
    partner_A = paradigm(spec.paradigm).environment.partners(spec, round_number)
    if partner_A is None:
        return _others(spec, hidden, seat)
    partner = int(partner_A[seat])
    return np.array([partner] if partner >= 0 and partner not in hidden else [], dtype=np.int64)


def _others(spec: EpisodeSpec, hidden: frozenset[int], seat: int) -> IntArray:
    network = spec.neighbours
    others = np.arange(spec.parameters.n_agents) if network is None else network.of(seat).astype(np.int64)
    return others[~np.isin(others, [seat, *hidden])]


def count_others(spec: EpisodeSpec, public: PublicRound, seat: int) -> OthersCount:
    """Count what those did in a round whom `seat` sees."""
    actions = public.actions_A[seen_seats(spec, public, seat)]
    n_deviant = int((actions == Action.DEVIANT).sum())
    n_decided = n_deviant + int((actions == Action.ALIGNED).sum())
    return OthersCount(n_deviant, n_decided, len(actions) - n_decided)


def seen_totals(spec: EpisodeSpec, public: PublicRound, flag_A: BoolArray, seats: Sequence[int] | IntArray) -> IntArray:
    """Return how many of those whom each of `seats` sees are flagged, [S]; for all seats of a host at once."""
    shown_A = flag_A.copy()
    shown_A[sorted(public.hidden)] = False
    if spec.neighbours is None:
        others_S: IntArray = shown_A.sum() - shown_A[seats]
        return others_S
    return spec.neighbours.sums(shown_A)[seats]
