"""Checkpoints beside their base: what alignment bought in round 1, what is left in the last round, what was eroded.

Per setting and over all settings that both played, paired by setting, unit and seed. What was planned and what was not
are two families for Holm's correction; so are the tests of settings and those over all of them, measure by measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from atp_ray.measures.courses import Course
from atp_ray.measures.differences import holm
from atp_ray.measures.estimates import Comparison, Measured, Numbers, in_each_setting, known_value, over_settings
from atp_ray.measures.pairing import Pairs, pair
from atp_ray.measures.plans import CheckedPlan, Hypothesis, Measure
from atp_ray.measures.results import Setting, own_numbers

ALL_SETTINGS = "all settings"
MEASURES: tuple[Measure, ...] = ("first_round", "last_round", "change", "erosion", "rounds_before_tip")
_DIRECTIONS = {"lower": -1, "higher": 1, "different": 0}


def compare(arms: Mapping[str, Sequence[Course]], base: str, plan: CheckedPlan | None = None) -> list[Comparison]:
    """Compare every other arm with `base` in the settings both played.

    Args:
        arms: the cells of each checkpoint, by what it is called.
        plan: that of the run all arms are of, whose comparisons may have other bases; where it is broken every
            comparison is exploratory.

    Returns rows by checkpoint and setting, the ones over all settings last; a planned one in place of the exploratory
    one of the same measure.
    """
    found = [
        each
        for name in arms
        if name != base
        for room, paired in _paired(arms, base, name).items()
        for each in _compared(room, base, name, paired)
    ]
    planned = [
        (hypothesis, each)
        for hypothesis in (plan.plan.hypotheses if plan is not None and plan.broken is None else ())
        for room, paired in _paired(arms, hypothesis.base, hypothesis.checkpoint).items()
        for each in _for(hypothesis, room, paired)
    ]
    taken = {_key(each.row) for _, each in planned if each.row.numbers is not None or each.row.setting == ALL_SETTINGS}
    rest = [each for each in found if _key(each.row) not in taken]
    return _order([*_tested_as_planned(planned), *_tested(rest)])


def _paired(arms: Mapping[str, Sequence[Course]], base: str, name: str) -> dict[str, dict[Numbers, Pairs]]:
    """Return the paired episodes of the settings that both played, by paradigm."""
    bases = {course.numbers: course for course in arms.get(base, ())}
    found: dict[str, dict[Numbers, Pairs]] = {}
    for course in arms.get(name, ()):
        if (beside := bases.get(course.numbers)) is not None:
            found.setdefault(course.setting.paradigm, {})[course.numbers] = pair(beside, course)
    return found


def _compared(room: str, base: str, name: str, paired: Mapping[Numbers, Pairs]) -> list[Measured]:
    """Return all measures of a checkpoint in each setting, and over all of them where there are several."""
    found = [each for measure in MEASURES for each in in_each_setting(measure, room, base, name, paired)]
    if len(paired) > 1:
        found += [
            each for measure in MEASURES for each in over_settings(measure, room, base, name, paired, ALL_SETTINGS)
        ]
    return found


def _for(hypothesis: Hypothesis, room: str, paired: Mapping[Numbers, Pairs]) -> list[Measured]:
    """Return what a hypothesis is about."""
    base, name = hypothesis.base, hypothesis.checkpoint
    chosen = {numbers: pairs for numbers, pairs in paired.items() if hypothesis.where.includes(numbers[0])}
    if hypothesis.settings == "each" or len(chosen) == 1:
        # Variances are shared among all settings, whichever were planned.
        every = in_each_setting(hypothesis.measure, room, base, name, paired)
        return [each for each in every if each.row.numbers is not None and hypothesis.where.includes(each.row.numbers)]
    label = ALL_SETTINGS if len(chosen) == len(paired) else f"{len(chosen)} of {len(paired)} settings"
    return over_settings(hypothesis.measure, room, base, name, chosen, label)


def _tested(found: Sequence[Measured]) -> Iterator[Comparison]:
    """Test what was not planned, two-sided against no difference; erosion has an interval, `change` is its test."""
    families: dict[tuple[str, str, bool], list[Measured]] = {}
    for each in found:
        families.setdefault((each.row.paradigm, each.row.measure, each.row.numbers is None), []).append(each)
    for (_, measure, over_all), members in families.items():
        if measure == "erosion":
            yield from (each.row for each in members)
            continue
        yield from _adjusted(
            [each.row._replace(p_value=known_value(each.test(0.0, 0))) for each in members],
            f"exploratory, {measure}, {ALL_SETTINGS if over_all else 'each setting'}",
        )


def _tested_as_planned(planned: Sequence[tuple[Hypothesis, Measured]]) -> Iterator[Comparison]:
    rows = [
        each.row._replace(
            p_value=known_value(each.test(hypothesis.against, _DIRECTIONS[hypothesis.direction])),
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
        yield row._replace(p_adjusted=known_value(p_value), family=family, family_size=len(rows))


def _key(row: Comparison) -> tuple[object, ...]:
    return row.paradigm, row.base, row.checkpoint, row.setting, row.numbers, row.measure


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
    return (
        *(-1.0 if value is None else float(value) for value in numbers),
        setting.supervision or "",
        *own_numbers(setting),
    )
