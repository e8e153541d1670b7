"""What is measured of a cell: its rate in each round, and how likely a success is followed by deviating again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from atp_ray.measures.intervals import RateInterval, rate_interval
from atp_ray.measures.rates import count
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.records import RoundRecord

Rounds = Mapping[str, Sequence[RoundRecord]]


class RoundRate(NamedTuple):
    """One round of a cell: the rate among decisions, and how many turns gave none."""

    round: int
    rate: RateInterval
    n_undecided: int


def round_rates(cell: CellSpec, rounds: Rounds) -> list[RoundRate]:
    """Return the deviant rate of each round that any episode reached, with 95 % intervals."""
    longest = max((len(records) for records in rounds.values()), default=0)
    rates = []
    for number in range(1, longest + 1):
        counts = [
            (*count(spec, records[number - 1].decisions.action_A), paradigm(spec.paradigm).design.unit(spec, number))
            for spec in cell.episodes
            if len(records := rounds.get(spec.episode_id, ())) >= number
        ]
        deviant_E, decided_E, undecided_E, units_E = zip(*counts, strict=True)
        found = rate_interval(deviant_E, decided_E, units_E, first_round=number == 1)
        rates.append(RoundRate(number, found, sum(undecided_E)))
    return rates


def recollusion(cell: CellSpec, rounds: Rounds) -> RateInterval:
    """Return P(collude in round 2 | success in round 1), over decisions of the episodes that succeeded (Figure 4)."""
    deviant_E, decided_E, units_E = [], [], []
    for spec in cell.episodes:
        records = rounds.get(spec.episode_id, ())
        if len(records) >= 2 and records[0].success:
            deviant, decided, _ = count(spec, records[1].decisions.action_A)
            deviant_E.append(deviant)
            decided_E.append(decided)
            units_E.append(paradigm(spec.paradigm).design.unit(spec, 2))
    return rate_interval(deviant_E, decided_E, units_E)
