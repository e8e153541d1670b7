"""What is compared with what, in which family, and what was planned."""

import numpy as np
import pytest

from atp_ray.measures.comparisons import ALL_SETTINGS, compare
from atp_ray.measures.courses import Course
from atp_ray.measures.plans import CheckedPlan, Plan
from atp_ray.measures.results import Setting

UNITS = 7


def arm(name: str, levels: dict[int, tuple[float, float, float]], seed: int = 0, seeds: int = 3) -> list[Course]:
    """A course per threshold: rates near the given ones, of seven units."""
    rng = np.random.default_rng([seed, *name.encode()])
    names = np.array([f"u{unit}" for unit in range(UNITS)])
    unit_E = np.repeat(np.arange(UNITS), seeds)
    return [
        Course(
            Setting(name, "model", 8, threshold, 1.0), "choices",
            rng.binomial(8, rates, (UNITS * seeds, 3)) / 8, np.repeat(unit_E[:, None], 3, axis=1), names,
            [(f"u{unit}", f"u{unit}", index % seeds) for index, unit in enumerate(unit_E)], np.full(3, 8.0),
        )
        for threshold, rates in levels.items()
    ]  # fmt: skip


THRESHOLDS = (2, 4, 6, 8)
BASE = arm("base", dict.fromkeys(THRESHOLDS, (0.8, 0.8, 0.8)))
DPO = arm("dpo", dict.fromkeys(THRESHOLDS, (0.4, 0.6, 0.7)))
SAME = arm("same", dict.fromkeys(THRESHOLDS, (0.8, 0.8, 0.8)))
ARMS = {"base": BASE, "dpo": DPO, "same": SAME}


def rows(found, **wanted):
    return [row for row in found if all(getattr(row, field) == value for field, value in wanted.items())]


def test_three_numbers_per_setting_and_over_all_are_what_the_means_say() -> None:
    found = compare(ARMS, "base")
    (first,) = rows(found, checkpoint="dpo", measure="first_round", setting="n=8, t=4")
    assert first.estimate == pytest.approx(DPO[1].rate_ER[:, 0].mean() - BASE[1].rate_ER[:, 0].mean())
    assert first.base_value == pytest.approx(BASE[1].rate_ER[:, 0].mean())
    assert (first.n_units, first.n_pairs, first.round) == (7, 21, 1)
    assert first.ci_low < first.estimate < first.ci_high
    over_all = {row.measure: row for row in rows(found, checkpoint="dpo", setting=ALL_SETTINGS)}
    drops = [
        np.mean([b.rate_ER[:, at].mean() - d.rate_ER[:, at].mean() for b, d in zip(BASE, DPO, strict=True)])
        for at in (0, 2)
    ]
    assert over_all["first_round"].estimate == pytest.approx(-drops[0])
    assert over_all["last_round"].estimate == pytest.approx(-drops[1])
    assert over_all["change"].estimate == pytest.approx(drops[0] - drops[1])
    assert over_all["erosion"].estimate == pytest.approx(1 - drops[1] / drops[0])
    assert over_all["erosion"].ci_low < over_all["erosion"].estimate < over_all["erosion"].ci_high
    assert over_all["rounds_before_tip"].estimate > 0
    assert over_all["first_round"].p_adjusted < 0.001
    assert all(row.p_adjusted > 0.05 for row in rows(found, checkpoint="same") if row.p_adjusted is not None)


def test_families_are_the_settings_and_checkpoints_of_a_measure_and_those_over_all_apart() -> None:
    found = compare(ARMS, "base")
    for row in found:
        assert not row.planned
        if row.measure == "erosion":
            assert (row.p_value, row.family_size) == (None, 0)
            continue
        assert row.family_size == (2 if row.numbers is None else 8)
        assert row.measure in row.family
        assert row.p_adjusted >= row.p_value
    alone = compare({"base": BASE, "dpo": DPO}, "base")
    assert {row.family_size for row in alone if row.measure != "erosion"} == {1, 4}


def test_base_and_checkpoint_exchanged_is_the_negative() -> None:
    there, back = compare({"base": BASE, "dpo": DPO}, "base"), compare({"base": BASE, "dpo": DPO}, "dpo")
    for one, other in zip(there, back, strict=True):
        if one.measure != "erosion":
            assert other.estimate == pytest.approx(-one.estimate)
            assert other.p_value == pytest.approx(one.p_value)
    assert rows(back, measure="erosion", setting=ALL_SETTINGS)[0].note == "no drop in round 1"


def test_only_settings_that_both_played_are_compared() -> None:
    found = compare({"base": BASE, "dpo": DPO[1:2]}, "base")
    assert {row.setting for row in found} == {"n=8, t=4"}
    assert compare({"base": BASE[:1], "dpo": DPO[1:]}, "base") == []
    elsewhere = [course._replace(visibility="counts") for course in DPO]
    assert compare({"base": BASE, "dpo": elsewhere}, "base") == []


def test_a_single_round_has_no_change_and_nothing_to_erode() -> None:
    short = {
        name: [
            c._replace(rate_ER=c.rate_ER[:, :1], unit_ER=c.unit_ER[:, :1], decided_R=c.decided_R[:1]) for c in courses
        ]
        for name, courses in ARMS.items()
    }
    assert {row.measure for row in compare(short, "base")} == {"first_round"}


def plan(*hypotheses: dict) -> CheckedPlan:
    common = {"base": "base", "checkpoint": "dpo"}
    made = Plan.model_validate(
        {
            "name": "p",
            "grid": "g",
            "seeds": 3,
            "hypotheses": [common | {"name": f"h{i}"} | h for i, h in enumerate(hypotheses)],
        }
    )
    return CheckedPlan(plan=made, sha256="0")


def test_a_planned_comparison_is_one_sided_in_its_own_family_and_leaves_the_others() -> None:
    lower = {"measure": "first_round", "direction": "lower"}
    wrong = {"measure": "first_round", "direction": "higher", "settings": "each", "where": {"threshold": 4}}
    found = compare(ARMS, "base", plan(lower, wrong))
    planned = rows(found, planned=True)
    assert [(row.hypothesis, row.setting, row.family, row.family_size) for row in planned] == [
        ("h1", "n=8, t=4", "planned", 2), ("h0", ALL_SETTINGS, "planned", 2),
    ]  # fmt: skip
    assert planned[1].p_adjusted < 0.001
    assert planned[0].p_value > 0.99
    free = compare(ARMS, "base")
    (two_sided,) = rows(free, checkpoint="dpo", measure="first_round", setting=ALL_SETTINGS)
    assert planned[1].p_value == pytest.approx(two_sided.p_value / 2)
    # Each comparison is there once, and the exploratory family is the smaller for it.
    assert len(found) == len(free)
    assert {row.family_size for row in rows(found, measure="first_round", planned=False)} == {7, 1}


def test_erosion_can_be_planned_against_a_value() -> None:
    half = {"measure": "erosion", "direction": "higher"}
    found = rows(compare(ARMS, "base", plan(half | {"against": 0.4}, half | {"against": 0.99})), planned=True)
    assert found[0].p_value < 0.01 < 0.05 < found[1].p_value
    unclear = plan({"measure": "erosion", "direction": "higher", "checkpoint": "same"})
    (row,) = rows(compare(ARMS, "base", unclear), planned=True)
    assert row.p_value is None
    assert row.note is not None


def test_a_selection_of_settings_is_pooled_beside_all_of_them() -> None:
    some = {"measure": "change", "direction": "different", "where": {"threshold": 2}, "settings": "pooled"}
    assert rows(compare(ARMS, "base", plan(some)), planned=True)[0].setting == "n=8, t=2"
    two = [arm("base", dict.fromkeys((2, 4), (0.8,) * 3)), arm("dpo", dict.fromkeys((2, 4), (0.4,) * 3))]
    for courses in two:
        courses.append(courses[1]._replace(setting=courses[1].setting._replace(n_agents=12)))
    chosen = plan({"measure": "change", "direction": "different", "where": {"n_agents": 8}})
    found = compare({"base": two[0], "dpo": two[1]}, "base", chosen)
    assert [row.setting for row in rows(found, planned=True)] == ["2 of 3 settings"]
    assert rows(found, measure="change", setting=ALL_SETTINGS, planned=False)


def test_a_planned_comparison_is_made_whatever_the_others_are_compared_with() -> None:
    asked = plan({"measure": "first_round", "direction": "lower", "base": "same"})
    for base in ("base", "dpo", "same"):
        (row,) = rows(compare(ARMS, base, asked), planned=True)
        assert (row.base, row.checkpoint, row.setting) == ("same", "dpo", ALL_SETTINGS)
        assert row.p_adjusted < 0.001


def test_nothing_is_planned_under_a_plan_that_was_broken() -> None:
    broken = plan({"measure": "first_round", "direction": "lower"}).model_copy(update={"broken": "it was changed"})
    assert compare(ARMS, "base", broken) == compare(ARMS, "base")


def test_two_checkpoints_that_always_deviate_do_not_differ() -> None:
    sure = {name: arm(name, dict.fromkeys(THRESHOLDS, (1.0, 1.0, 1.0))) for name in ("base", "dpo")}
    for row in compare(sure, "base"):
        if row.measure != "erosion":
            assert row.p_value == 1
            assert row.ci_low < 0 < row.ci_high
