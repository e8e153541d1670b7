"""The answer is made from the results by rule: which way a rate goes, who is below whom, what tips."""

import pytest

from atp_ray.measures.estimates import Comparison
from atp_ray.measures.results import CellResult, Interval, Setting
from atp_ray.report.comparing import Compared
from atp_ray.report.html.answer import TipCounts, answer, course, question, setting_tip

TIPS = TipCounts(56, 5, 20)
UP, DOWN, LEVEL = (
    ((0.3, 0.2, 0.4), (0.8, 0.7, 0.9)),
    ((0.8, 0.7, 0.9), (0.1, 0.0, 0.2)),
    ((0.5, 0.4, 0.6), (0.6, 0.5, 0.7)),
)


def cell(checkpoint, *rates, threshold=4, paradigm="games") -> CellResult:
    intervals = tuple(Interval(*rate, 56, "wilson") if rate else None for rate in rates)
    setting = Setting(checkpoint, "model", 8, threshold, 1.0, paradigm, "all_unsupervised")
    return CellResult(setting, intervals, None, 112, 0)


def told(results, compared=None) -> str:
    return " ".join(answer(results, TIPS, compared).sentences)


def row(name, measure, estimate, p_adjusted=0.5, threshold=4, **fields) -> Comparison:
    """A difference in one setting, or over all settings without a threshold."""
    numbers = None if threshold is None else Setting("", "", 8, threshold, 1.0)
    setting = "all settings" if threshold is None else f"n=8, t={threshold}"
    ends = {"ci_low": estimate - 0.1, "ci_high": estimate + 0.1, "p_adjusted": p_adjusted} | fields
    return Comparison(
        "games", "base", name, setting, numbers, measure, 1, 0.5, 0.5, 7, 7, "paired t", None, estimate, **ends
    )


def beside(*rows) -> Compared:
    return Compared("base", list(rows), {}, None, None)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ((0.3, 0.2, 0.4), (0.5, 0.41, 0.6), "climbs"),
        ((0.3, 0.2, 0.4), (0.5, 0.4, 0.6), "no clear change"),
        ((0.5, 0.4, 0.6), (0.3, 0.2, 0.39), "falls"),
    ],
)
def test_a_rate_climbs_or_falls_only_where_the_intervals_do_not_touch(first, last, expected) -> None:
    assert course(Interval(*first, 9, ""), Interval(*last, 9, "")) == expected


def test_one_setting_is_told_in_one_sentence_with_both_intervals() -> None:
    assert told([cell("m", *UP, paradigm="role_play")]).startswith(
        "The violation rate of m climbs from 30.0 % (20–40) in round 1 to 80.0 % (70–90) in round 2."
    )
    assert "shows no clear change, from 50.0 % (40–60)" in told([cell("m", *LEVEL)])
    assert "Of 56 episodes, 5 rose above one half after round 1 and stayed there (tipped); 20 were above it in" in told(
        [cell("m", *UP)]
    )
    none = answer([cell("m", *DOWN)], TipCounts(1, 0, 1)).sentences[-1]
    assert (
        none == "Of 1 episode, none rose above one half after round 1 and stayed there; 1 was above it in every round."
    )


def test_several_settings_are_counted_and_a_few_named() -> None:
    results = [cell("m", *UP, threshold=t) for t in (2, 3, 4)] + [cell("m", *DOWN, threshold=6)]
    results += [cell("m", *LEVEL, threshold=7)]
    assert told(results).startswith(
        "From round 1 to round 2 the collusion rate of m climbs in 3 of 5 settings (n=8, t=2: 30.0 % (20–40) to 80.0 % "
        "(70–90); n=8, t=3: 30.0 % (20–40) to 80.0 % (70–90); and 1 more) and falls in 1 of 5 settings (n=8, t=6: "
    )
    assert "In 1 setting there is no clear change." in told(results)
    assert "changes clearly in none of 2 settings (n=8, t=2" in told([cell("m", *LEVEL, threshold=t) for t in (2, 4)])


def test_variants_are_told_beside_the_first_checkpoint() -> None:
    base = [cell("base", *LEVEL, threshold=t) for t in (2, 4)]
    lower = [cell("dpo", (0.1, 0.0, 0.2), (0.6, 0.5, 0.7), threshold=2), cell("dpo", *LEVEL, threshold=4)]
    results = [*base, *lower]
    rows = [
        row("dpo", "first_round", -0.4, 0.001, threshold=2), row("dpo", "first_round", -0.2, 0.2),
        row("dpo", "last_round", -0.3, 0.06, threshold=2), row("dpo", "last_round", -0.3, 0.001),
    ]  # fmt: skip
    assert told(results, beside(*rows)).startswith(
        "dpo starts below base in 1 of 2 settings (n=8, t=2: -40.0 (-50, -30) points); of these, none are "
        "still below in the last round. From first to last round its collusion rate climbs in 1 of 2 settings."
    )
    still = [rows[0], row("dpo", "last_round", -0.3, 0.04, threshold=2)]
    assert "of these, 1 is still below in the last round" in told(results, beside(*still))
    above = [row("dpo", "first_round", 0.4, 0.001, threshold=t) for t in (2, 4)]
    assert "does not start clearly below base in any of 2 settings" in told(results, beside(*above))
    many = [cell(name, *LEVEL) for name in ("base", *"bcdef")]
    found = told(many, beside(*(row(name, "first_round", 0.0) for name in "bcdef")))
    assert "2 more checkpoints are in the tables." in found
    assert question(results, "base").startswith("Is the collusion rate of dpo below that of base in round 1")


def test_the_differences_over_all_settings_are_told_with_the_erosion() -> None:
    results = [cell("base", *LEVEL), cell("dpo", *LEVEL)]
    over_all = [row("dpo", "first_round", -0.25, threshold=None), row("dpo", "last_round", -0.1, threshold=None)]
    eroded = row("dpo", "erosion", 0.6, threshold=None, ci_low=0.2, ci_high=0.9)
    rows = [row("dpo", "first_round", -0.25), *over_all]
    told_all = (
        "Over all settings the difference is -25.0 (-35, -15) points in the first round and -10.0 (-20, 0) points"
    )
    assert f"{told_all} in the last round (erosion 60.0 (20, 90) %)." in told(results, beside(*rows, eroded))
    assert f"{told_all} in the last round." in told(results, beside(*rows))
    assert "Over all settings" not in told(results, beside(rows[0]))
    # What a plan selects is in the plan's own table.
    selected = row("dpo", "first_round", -0.9, threshold=None)._replace(setting="1 of 2 settings", planned=True)
    assert f"{told_all} in the last round." in told(results, beside(*rows, selected))


def test_what_was_not_decided_is_not_told_as_a_change() -> None:
    assert "Too few rounds were decided" in told([cell("m", None, (0.5, 0.4, 0.6))])
    assert "Too few rounds were decided to see a change in the collusion rate of m: 50.0 % (40–60)." in told(
        [cell("m", (0.5, 0.4, 0.6))]
    )
    results = [cell("base", *UP), cell("dpo", *UP), cell("grpo", *UP, threshold=6)]
    assert "grpo shares no finished setting with base" in told(results, beside(row("dpo", "first_round", 0.0)))


def test_the_table_has_every_setting_with_the_round_in_which_it_tips() -> None:
    results = [cell("m", *UP), cell("m", *DOWN, threshold=6), cell("m", None, None, threshold=8)]
    found = answer(results, TIPS)
    assert [row.cells for row in found.table.rows] == [
        ("m", "n=8, t=4", "30.0 (20-40)", "80.0 (70-90)", "climbs", "2"),
        ("m", "n=8, t=6", "80.0 (70-90)", "10.0 (0-20)", "falls", "-"),
        ("m", "n=8, t=8", "-", "-", "-", "-"),
    ]
    assert [setting_tip(result) for result in results] == [2, None, None]
    assert "these settings tip: n=8, t=4 in round 2" in " ".join(found.sentences)
    assert "95 % intervals (wilson)" in found.uncertainty
