"""What is measured of a checkpoint beside its base: in one setting, or over several of them.

A measure has a value in every unit, and its mean difference an interval; what tests it against a value comes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.measures import erosion as ratio
from atp_ray.measures.differences import (
    LEAST_SETTINGS,
    MeanDifference,
    independent_variance,
    mean_difference,
    resolution_of,
    share_variance,
)
from atp_ray.measures.pairing import Pairs, UnitValues, rates_of_units, tips_of_units
from atp_ray.measures.plans import Measure
from atp_ray.measures.results import Setting
from atp_ray.paradigms.registry import paradigm

_BOUNDS = {"first_round": 1.0, "last_round": 1.0, "change": 2.0}
Numbers = tuple[Setting, str]


class Comparison(NamedTuple):
    """One measure of a checkpoint beside its base, in one setting (`numbers`) or over all (None).

    `base_value` and `checkpoint_value` are means over units: rates, changes of the rate, rounds before the tip.
    Infinite ends are open; None is explained by `note`. `p_adjusted` is Holm's over the `family_size` of `family`.
    """

    paradigm: str
    base: str
    checkpoint: str
    setting: str
    numbers: Setting | None
    measure: Measure
    round: int | None
    base_value: float | None
    checkpoint_value: float | None
    n_units: int
    n_pairs: int
    method: str
    note: str | None
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    family: str = ""
    family_size: int = 0
    planned: bool = False
    hypothesis: str | None = None
    direction: str = "different"
    against: float = 0.0


class Measured(NamedTuple):
    """A comparison before any test: the row without its p values, and what tests it against a value."""

    row: Comparison
    test: Callable[[float, int], float]  # (against, direction) -> p value, NaN where nothing can be tested


def in_each_setting(
    measure: Measure, room: str, base: str, name: str, paired: Mapping[Numbers, Pairs]
) -> list[Measured]:
    """Return one measure in each setting."""
    usable = {numbers: ends for numbers, pairs in paired.items() if (ends := _ends(measure, pairs)) is not None}
    rows = [
        _row(room, base, name, paradigm(room).presentation.setting_label(numbers[0]), numbers[0], measure, ends)
        for numbers, ends in usable.items()
    ]
    if measure == "erosion":
        return [_erosion(row, [ends]) for row, ends in zip(rows, usable.values(), strict=True)]
    alone = [_difference(measure, [ends]) for ends in usable.values()]
    if measure == "rounds_before_tip" or len(alone) < LEAST_SETTINGS:
        return [_with(row, found, _BOUNDS.get(measure)) for row, found in zip(rows, alone, strict=True)]
    together = MeanDifference(
        *(np.array([getattr(found, field) for found in alone]) for field in MeanDifference._fields)
    )
    shared = share_variance(together, [_independent(ends) for ends in usable.values()])
    method = f"moderated paired t over units, variance shared among {len(alone)} settings"
    return [
        _with(
            row._replace(method=row.method if row.n_units < 2 else method),
            MeanDifference(*(np.asarray(column[place]) for column in shared)),
            _BOUNDS.get(measure),
        )
        for place, row in enumerate(rows)
    ]


def over_settings(
    measure: Measure, room: str, base: str, name: str, paired: Mapping[Numbers, Pairs], label: str
) -> list[Measured]:
    """Return one measure over several settings: each unit's mean over them, so a unit that is in all counts once."""
    usable = [ends for pairs in paired.values() if (ends := _ends(measure, pairs)) is not None]
    common = _common(usable)
    if not usable or not len(common[0].values[0].unit_U):
        return []
    row = _row(room, base, name, label, None, measure, *common)
    if measure == "erosion":
        return [_erosion(row, common)]
    return [_with(row, _difference(measure, common), _BOUNDS.get(measure))]


class _Ends(NamedTuple):
    """What a measure of one setting is made of: values by unit, those of round 1 first, and decisions behind them."""

    values: list[UnitValues]
    decided: list[tuple[float, float]]
    round: int | None


def _ends(measure: Measure, pairs: Pairs) -> _Ends | None:
    """Return the parts of a measure, None where no pair has decided or there are too few rounds."""
    last = pairs.n_rounds - 1
    if measure == "rounds_before_tip":
        rounds: tuple[int, ...] = (0, last)
        values = [tips_of_units(pairs)]
    else:
        rounds = {"first_round": (0,), "last_round": (last,)}.get(measure, (0, last))
        values = rates_of_units(pairs, *rounds)
    if not values[0].n_pairs or (last == 0 and measure != "first_round"):
        return None
    decided = [
        (value.n_pairs * float(pairs.base_decided_R[at]), value.n_pairs * float(pairs.other_decided_R[at]))
        for value, at in zip(values, rounds, strict=False)
    ]
    return _Ends(values, decided, rounds[0] + 1 if len(rounds) == 1 else None)


def _common(usable: Sequence[_Ends]) -> list[_Ends]:
    """Return the same settings with the units only that are in all of them."""
    if not usable:
        return []
    units = usable[0].values[0].unit_U
    for ends in usable[1:]:
        units = np.intersect1d(units, ends.values[0].unit_U)
    return [
        ends._replace(values=[
            value._replace(unit_U=units, base_U=value.base_U[kept], other_U=value.other_U[kept])
            for value in ends.values
            for kept in [np.searchsorted(value.unit_U, units)]
        ])
        for ends in usable
    ]  # fmt: skip


def _resolution(settings: Sequence[_Ends], parts: Sequence[int]) -> float:
    """Return the least standard error of the mean of some settings' differences, of one or both of their rounds."""
    each = [resolution_of(*(n for at in parts for n in ends.decided[at])) for ends in settings]
    return float(np.sqrt(np.square(each).sum())) / len(settings)


def _difference(measure: Measure, settings: Sequence[_Ends]) -> MeanDifference:
    parts = range(len(settings[0].values))
    if measure == "rounds_before_tip":  # at least one tip a round earlier on either side
        resolution = float(np.sqrt(sum(2 / ends.values[0].n_pairs ** 2 for ends in settings))) / len(settings)
    else:
        resolution = _resolution(settings, parts)
    return mean_difference(np.mean([_of_measure(ends) for ends in settings], axis=0), resolution)


def _of_measure(ends: _Ends) -> np.ndarray:
    """Return the difference of each unit: in one round, or of the last and the first."""
    return ends.values[-1].difference_U - (ends.values[0].difference_U if len(ends.values) > 1 else 0.0)


def _independent(ends: _Ends) -> float:
    """Return the variance that the mean difference would have if all decisions were independent."""
    return float(
        sum(
            independent_variance(value.base_U.mean(), n_base) + independent_variance(value.other_U.mean(), n_other)
            for value, (n_base, n_other) in zip(ends.values, ends.decided, strict=True)
        )
    )


def _row(
    room: str, base: str, name: str, label: str, numbers: Setting | None, measure: Measure, *settings: _Ends
) -> Comparison:
    values = settings[0].values
    units, repeated = len(values[0].unit_U), values[0].repetitions
    method = ratio.METHOD if measure == "erosion" else "paired t over units"
    return Comparison(
        paradigm=room,
        base=base,
        checkpoint=name,
        setting=label,
        numbers=numbers,
        measure=measure,
        round=settings[0].round,
        base_value=None if measure == "erosion" else _level(settings, "base_U"),
        checkpoint_value=None if measure == "erosion" else _level(settings, "other_U"),
        n_units=units,
        n_pairs=sum(ends.values[0].n_pairs for ends in settings),
        method=method.replace("units", "repetitions of one unit") if repeated else method,
        note=None if units > 1 else "one unit, not repeated: no interval",
    )


def _level(settings: Sequence[_Ends], side: str) -> float:
    """Return the mean over units of one side: a rate, or how it changes."""
    means = [[float(getattr(value, side).mean()) for value in ends.values] for ends in settings]
    return float(np.mean([ends[-1] - (ends[0] if len(ends) > 1 else 0.0) for ends in means]))


def _with(row: Comparison, found: MeanDifference, most: float | None) -> Measured:
    low, high = found.interval(np.inf if most is None else most)
    known = row._replace(estimate=float(found.mean), ci_low=known_value(low), ci_high=known_value(high))
    return Measured(known, lambda against, direction: float(found.p_value(against, direction)))


def _erosion(row: Comparison, settings: Sequence[_Ends]) -> Measured:
    first_U, last_U = (
        np.asarray(np.mean([-ends.values[at].difference_U for ends in settings], axis=0)) for at in (0, 1)
    )
    resolutions = [_resolution(settings, [at]) for at in (0, 1)]
    found = ratio.erosion(first_U, last_U, *resolutions)
    known = row._replace(estimate=found.estimate, ci_low=found.low, ci_high=found.high, note=found.note or row.note)

    def test(against: float, direction: int) -> float:
        """Test (1 - against) * first drop - last drop = 0, which is the same where there is a drop in round 1."""
        if found.note is not None:
            return np.nan
        kept = 1 - against
        resolution = float(np.hypot(kept * resolutions[0], resolutions[1]))
        return float(mean_difference(kept * first_U - last_U, resolution).p_value(0.0, direction))

    return Measured(known, test)


def known_value(value: float | np.ndarray) -> float | None:
    """Return a number, None for NaN."""
    return None if np.isnan(value) else float(value)
