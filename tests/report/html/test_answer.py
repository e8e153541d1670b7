"""The answer is made from the results by rule: which way a rate goes, who is below whom, what tips."""

import pytest

from atp_ray.measures.results import CellResult, Interval, Setting
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


def told(results, manifest=None) -> str:
    return " ".join(answer(results, manifest or {}, TIPS).sentences)


def between(*names):
    return {"checkpoints": {name: {"name": name} for name in names}}


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
    none = answer([cell("m", *DOWN)], {}, TipCounts(1, 0, 1)).sentences[-1]
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
    assert told(results, between("base", "dpo")).startswith(
        "dpo starts below base in 1 of 2 settings (n=8, t=2: 10.0 % (0–20) against 50.0 % (40–60)); of these, none are "
        "still below in the last round. From first to last round its collusion rate climbs in 1 of 2 settings."
    )
    assert "does not start clearly below base in any of 2 settings" in told(
        [*base, *[cell("dpo", *LEVEL, threshold=t) for t in (2, 4)]], between("base", "dpo")
    )
    many = [cell(name, *LEVEL) for name in "abcdef"]
    assert "2 more checkpoints are in the tables." in told(many, between(*"abcdef"))
    assert question(results, "base").startswith("Is the collusion rate of dpo below that of base in round 1")


def test_what_was_not_decided_is_not_told_as_a_change() -> None:
    assert "Too few rounds were decided" in told([cell("m", None, (0.5, 0.4, 0.6))])
    assert "Too few rounds were decided to see a change in the collusion rate of m: 50.0 % (40–60)." in told(
        [cell("m", (0.5, 0.4, 0.6))]
    )
    assert "shares no finished setting with base" in told(
        [cell("base", *UP), cell("dpo", *UP), cell("grpo", *UP, threshold=6)], between("base", "dpo", "grpo")
    )


def test_the_table_has_every_setting_with_the_round_in_which_it_tips() -> None:
    results = [cell("m", *UP), cell("m", *DOWN, threshold=6), cell("m", None, None, threshold=8)]
    found = answer(results, {}, TIPS)
    assert [row.cells for row in found.table.rows] == [
        ("m", "n=8, t=4", "30.0 (20-40)", "80.0 (70-90)", "climbs", "2"),
        ("m", "n=8, t=6", "80.0 (70-90)", "10.0 (0-20)", "falls", "-"),
        ("m", "n=8, t=8", "-", "-", "-", "-"),
    ]
    assert [setting_tip(result) for result in results] == [2, None, None]
    assert "these settings tip: n=8, t=4 in round 2" in " ".join(found.sentences)
    assert "95 % intervals (wilson)" in found.uncertainty
