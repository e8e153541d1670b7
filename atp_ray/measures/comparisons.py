"""Checkpoints beside their base: what alignment bought in round 1, what is left in the last round, what was eroded.

Per setting and over all settings that both played, paired by setting, unit and seed. What was planned and what was not
are two families for Holm's correction; so are the tests of settings and those over all of them, measure by measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.measures import erosion as ratio
from atp_ray.measures.courses import Course
from atp_ray.measures.differences import (
    LEAST_SETTINGS,
    MeanDifference,
    holm,
    independent_variance,
    mean_difference,
    resolution_of,
    share_variance,
)
from atp_ray.measures.pairing import Pairs, UnitValues, pair, rates_of_units, tips_of_units
from atp_ray.measures.plans import CheckedPlan, Hypothesis, Measure
from atp_ray.measures.results import Setting
from atp_ray.paradigms.registry import paradigm

ALL_SETTINGS = "all settings"
MEASURES: tuple[Measure, ...] = ("first_round", "last_round", "change", "erosion", "rounds_before_tip")
_BOUNDS = {"first_round": 1.0, "last_round": 1.0, "change": 2.0}
_DIRECTIONS = {"lower": -1, "higher": 1, "different": 0}
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


class _Measured(NamedTuple):
    """A comparison before any test: the row without its p values, and what tests it against a value."""

    row: Comparison
    test: Callable[[float, int], float]  # (against, direction) -> p value, NaN where nothing can be tested


def compare(arms: Mapping[str, Sequence[Course]], base: str, plan: CheckedPlan | None = None) -> list[Comparison]:
    """Compare every other arm with `base` in the settings both played.

    Args:
        arms: the cells of each checkpoint, by what it is called.
        plan: that of the run all arms are of; where it is broken every comparison is exploratory.

    Returns rows by checkpoint and setting, the ones over all settings last; a planned one in place of the exploratory
    one of the same measure.
    """
    found: list[_Measured] = []
    planned: list[tuple[Hypothesis, _Measured]] = []
    hypotheses = plan.plan.hypotheses if plan is not None and plan.broken is None else ()
    for name, courses in arms.items():
        if name == base:
            continue
        for room, settings in _shared(arms[base], courses).items():
            paired = {numbers: pair(*both) for numbers, both in settings.items()}
            found += _compared(room, base, name, paired)
            for hypothesis in hypotheses:
                if (hypothesis.base, hypothesis.checkpoint) == (base, name):
                    planned += [(hypothesis, each) for each in _for(hypothesis, room, base, name, paired)]
    taken = {_key(each.row) for _, each in planned if each.row.numbers is not None or each.row.setting == ALL_SETTINGS}
    rest = [each for each in found if _key(each.row) not in taken]
    return _order([*_tested_as_planned(planned), *_tested(rest)])


def _shared(base: Sequence[Course], other: Sequence[Course]) -> dict[str, dict[Numbers, tuple[Course, Course]]]:
    """Return the settings that both played, by paradigm."""
    bases = {course.numbers: course for course in base}
    found: dict[str, dict[Numbers, tuple[Course, Course]]] = {}
    for course in other:
        if (beside := bases.get(course.numbers)) is not None:
            found.setdefault(course.setting.paradigm, {})[course.numbers] = (beside, course)
    return found


def _compared(room: str, base: str, name: str, paired: Mapping[Numbers, Pairs]) -> list[_Measured]:
    """Return all measures of a checkpoint in each setting, and over all of them where there are several."""
    found = [each for measure in MEASURES for each in _each(measure, room, base, name, paired)]
    if len(paired) > 1:
        found += [each for measure in MEASURES for each in _pooled(measure, room, base, name, paired, ALL_SETTINGS)]
    return found


def _for(hypothesis: Hypothesis, room: str, base: str, name: str, paired: Mapping[Numbers, Pairs]) -> list[_Measured]:
    """Return what a hypothesis is about."""
    chosen = {numbers: pairs for numbers, pairs in paired.items() if hypothesis.where.includes(numbers[0])}
    if hypothesis.settings == "each" or len(chosen) == 1:
        # Variances are shared among all settings, whichever were planned.
        every = _each(hypothesis.measure, room, base, name, paired)
        return [each for each in every if each.row.numbers is not None and hypothesis.where.includes(each.row.numbers)]
    label = ALL_SETTINGS if len(chosen) == len(paired) else f"{len(chosen)} of {len(paired)} settings"
    return _pooled(hypothesis.measure, room, base, name, chosen, label)


def _each(measure: Measure, room: str, base: str, name: str, paired: Mapping[Numbers, Pairs]) -> list[_Measured]:
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


def _pooled(
    measure: Measure, room: str, base: str, name: str, paired: Mapping[Numbers, Pairs], label: str
) -> list[_Measured]:
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


def _with(row: Comparison, found: MeanDifference, most: float | None) -> _Measured:
    low, high = found.interval(np.inf if most is None else most)
    known = row._replace(estimate=float(found.mean), ci_low=_known(low), ci_high=_known(high))
    return _Measured(known, lambda against, direction: float(found.p_value(against, direction)))


def _erosion(row: Comparison, settings: Sequence[_Ends]) -> _Measured:
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

    return _Measured(known, test)


def _tested(found: Sequence[_Measured]) -> Iterator[Comparison]:
    """Test what was not planned, two-sided against no difference; erosion has an interval, `change` is its test."""
    families: dict[tuple[str, str, bool], list[_Measured]] = {}
    for each in found:
        families.setdefault((each.row.paradigm, each.row.measure, each.row.numbers is None), []).append(each)
    for (_, measure, over_all), members in families.items():
        if measure == "erosion":
            yield from (each.row for each in members)
            continue
        yield from _adjusted(
            [each.row._replace(p_value=_known(each.test(0.0, 0))) for each in members],
            f"exploratory, {measure}, {ALL_SETTINGS if over_all else 'each setting'}",
        )


def _tested_as_planned(planned: Sequence[tuple[Hypothesis, _Measured]]) -> Iterator[Comparison]:
    rows = [
        each.row._replace(
            p_value=_known(each.test(hypothesis.against, _DIRECTIONS[hypothesis.direction])),
            planned=True,
            hypothesis=hypothesis.name,
            direction=hypothesis.direction,
            against=hypothesis.against,
        )
        for hypothesis, each in planned
    ]
    yield from _adjusted(rows, "planned")


def _adjusted(rows: Sequence[Comparison], family: str) -> Iterator[Comparison]:
    adjusted = holm([np.nan if row.p_value is None else row.p_value for row in rows])
    for row, p_value in zip(rows, adjusted, strict=True):
        yield row._replace(p_adjusted=_known(p_value), family=family, family_size=len(rows))


def _key(row: Comparison) -> tuple[object, ...]:
    return row.paradigm, row.checkpoint, row.setting, row.numbers, row.measure


def _order(rows: Sequence[Comparison]) -> list[Comparison]:
    names = list(dict.fromkeys(row.checkpoint for row in rows))
    return sorted(
        rows,
        key=lambda row: (
            row.paradigm, names.index(row.checkpoint), row.numbers is None, _numbers(row.numbers),
            MEASURES.index(row.measure), not row.planned,
        ),
    )  # fmt: skip


def _numbers(setting: Setting | None) -> tuple[object, ...]:
    if setting is None:
        return ()
    numbers = (setting.n_agents, setting.threshold, setting.incentive_ratio, setting.high, setting.low)
    return (*(-1.0 if value is None else float(value) for value in numbers), setting.supervision or "")


def _known(value: float | np.ndarray) -> float | None:
    return None if np.isnan(value) else float(value)
