"""The share of each option: the distribution of what agents do, where one deviant rate does not say it.

Shares are of standing decisions: what a seat that is not asked decided last counts. Like the deviant rate they are of
the seats under study and of decisions that could be read; beside them stand those of all seats, fixed ones included, as
that is what agents meet. An unreadable reply is never an option, not even where the rate counts it as an action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.measures.intervals import RateInterval, rate_interval
from atp_ray.measures.rates import studied_seats
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import Decisions, IntArray
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.options import option_counts, told_options
from atp_ray.play.records import RoundRecord

Rounds = Mapping[str, Sequence[RoundRecord]]


class RoundShares(NamedTuple):
    """The share of each option in one round of an episode, in 0..1: of the seats under study, and of all seats.

    Empty where nobody has decided, and where shares are not told (`told_options`).
    """

    studied: Mapping[str, float]
    population: Mapping[str, float]


class OptionShare(NamedTuple):
    """One option in one round of a cell: its share among the seats under study, and that among all (None for none)."""

    round: int
    option: str
    share: RateInterval
    population: float | None


NO_SHARES = RoundShares({}, {})


def round_shares(spec: EpisodeSpec, decisions: Decisions) -> RoundShares:
    """Return the shares of one round; `spec` is what was in force in it."""
    if not (options := told_options(spec)):
        return NO_SHARES
    studied_K, all_K = _counts(spec, decisions)
    return RoundShares(_named(options, studied_K), _named(options, all_K))


def cell_shares(cell: CellSpec, rounds: Rounds) -> list[OptionShare]:
    """Return the share of each option in each round that any episode reached, with 95 % intervals.

    Options are in the order of their first mention; an option that an episode does not have was not taken in it.
    """
    told = [spec for spec in cell.episodes if told_options(spec)]
    options = list(dict.fromkeys(option for spec in told for option in told_options(spec)))
    longest = max((len(rounds.get(spec.episode_id, ())) for spec in told), default=0)
    known: dict[tuple[object, ...], RateInterval] = {}
    found = []
    for number in range(1, longest + 1):
        playing = [spec for spec in told if len(rounds.get(spec.episode_id, ())) >= number]
        counts = [(spec, *_counts(spec, rounds[spec.episode_id][number - 1].decisions)) for spec in playing]
        units_E = tuple(paradigm(spec.paradigm).design.unit(spec, number) for spec in playing)
        n_E = tuple(int(studied_K.sum()) for _, studied_K, _ in counts)
        n_all = sum(int(all_K.sum()) for _, _, all_K in counts)
        for option in options:
            k_E = tuple(_taken(option, spec, studied_K) for spec, studied_K, _ in counts)
            k_all = sum(_taken(option, spec, all_K) for spec, _, all_K in counts)
            # Most rounds of an asynchronous game are like others for most options, and of two each mirrors the other.
            rest_E = tuple(n - k for k, n in zip(k_E, n_E, strict=True))
            key, other = ((counted, n_E, units_E, number == 1) for counted in (k_E, rest_E))
            if key not in known:
                own = rate_interval(k_E, n_E, units_E, first_round=number == 1)
                known |= {other: _mirrored(own, sum(rest_E)), key: own}
            found.append(OptionShare(number, option, known[key], k_all / n_all if n_all else None))
    return found


def _mirrored(found: RateInterval, others: int) -> RateInterval:
    """Return the interval of not taking an option, which `others` did: all methods treat both sides alike."""
    if found.low is None or found.high is None:
        return found
    return found._replace(rate=others / found.n, low=1 - found.high, high=1 - found.low)


def _counts(spec: EpisodeSpec, decisions: Decisions) -> tuple[IntArray, IntArray]:
    """Return how many seats stand by each option, [K]: of those under study, and of all."""
    options_A = decisions.options_A
    return option_counts(spec, options_A, studied_seats(spec)), option_counts(spec, options_A)


def _taken(option: str, spec: EpisodeSpec, count_K: IntArray) -> int:
    options = spec.scenario.options
    return int(count_K[options.index(option)]) if option in options else 0


def _named(options: Sequence[str], count_K: IntArray) -> dict[str, float]:
    total = int(count_K.sum())
    return dict(zip(options, np.divide(count_K, total).tolist(), strict=True)) if total else {}
