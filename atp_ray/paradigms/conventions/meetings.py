"""What agents remember: their own last meetings, each with both names.

An agent that has had fewer turns than its window holds, in a population that began with an established name, remembers
meetings of that name before them. Turns without a meeting (no readable name on either side, a quarantined partner)
take a place in the window and are remembered as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.paradigms.conventions.pairing import partners_of
from atp_ray.paradigms.conventions.scenarios import naming_of
from atp_ray.play.actions import ActionArray
from atp_ray.play.memory import EpisodeMemory, SeatView, took_part
from atp_ray.play.turns import PublicRound

EMPTY = -1


class Meeting(NamedTuple):
    """A meeting as one of the two remembers it: own and partner's option, the points, and what the partner said."""

    own: int
    other: int
    points: float
    said: str | None = None


class Windows(NamedTuple):
    """Own and partners' options [S, H] of each seat's meetings, oldest first, the latest at the end; else `EMPTY`."""

    own_SH: ActionArray
    other_SH: ActionArray

    def met_counts(self, n_names: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Return how often each seat met each name, [S, K]."""
        n_seats = len(self.other_SH)
        rows, columns = np.nonzero(self.other_SH != EMPTY)
        cells = rows * n_names + self.other_SH[rows, columns]
        return np.bincount(cells, minlength=n_seats * n_names).reshape(n_seats, n_names).astype(float)


def meetings(view: SeatView) -> list[Meeting]:
    """Return what a seat remembers, oldest first."""
    spec, numbers = view.spec, naming_of(view.spec).numbers
    found: list[Meeting] = []
    if (name := numbers.established_option) is not None:
        n_before = spec.history_window - len(view.rounds) - view.n_forgotten
        found += [Meeting(name, name, numbers.success)] * n_before
    for past in view.rounds:
        partner = int(partners_of(past.spec or spec, past.public.round)[view.seat])
        seen_A = _seen_options(past.public)
        own, other = int(past.public.chosen_A[view.seat]), int(seen_A[partner]) if partner >= 0 else EMPTY
        if own >= 0 and other >= 0:
            said = past.public.talk.said_A[partner] if past.public.talk is not None else None
            found.append(Meeting(own, other, past.capital_after - past.capital_before, said))
    return found


def windows(memory: EpisodeMemory, indices: Sequence[int]) -> Windows:
    """Return what some of the seats of a memory remember; `indices` point into `memory.seats`."""
    spec, chosen = memory.spec, np.array(indices, dtype=np.int64)
    seats, length = np.array(memory.seats, dtype=np.int64)[chosen], memory.spec.history_window
    own_SH = np.full((len(seats), length), EMPTY, dtype=np.int8)
    other_SH = own_SH.copy()
    turns_S, filled_S = np.zeros((2, len(seats)), dtype=np.int64)
    for seen in reversed(memory.rounds):
        took_S = (turns_S < length) & took_part(seen.public.asked_A, seats)
        if not took_S.any():
            continue
        turns_S += took_S
        if seen.forgotten_S:
            took_S &= ~np.array(seen.forgotten_S)[chosen]
        partner_S = partners_of(seen.spec or spec, seen.public.round)[seats]
        own_S = seen.public.chosen_A[seats]
        other_S = np.where(partner_S >= 0, _seen_options(seen.public)[partner_S], EMPTY)
        rows = np.flatnonzero(took_S & (own_S >= 0) & (other_S >= 0))
        columns = length - 1 - filled_S[rows]
        own_SH[rows, columns], other_SH[rows, columns] = own_S[rows], other_S[rows]
        filled_S[rows] += 1
        if (turns_S >= length).all():
            break
    if (name := naming_of(spec).numbers.established_option) is not None:
        age_H = np.arange(length)[::-1]
        begun_SH = (age_H >= filled_S[:, None]) & (age_H < (filled_S + length - turns_S)[:, None])
        own_SH[begun_SH] = other_SH[begun_SH] = name
    return Windows(own_SH, other_SH)


def _seen_options(public: PublicRound) -> ActionArray:
    """Return the options [A] that a partner gets to see."""
    if not public.hidden:
        return public.chosen_A
    seen_A = public.chosen_A.copy()
    seen_A[sorted(public.hidden)] = EMPTY
    return seen_A
