"""Variants beside their base: what counts as lower, as climbing, and which settings are compared."""

import pytest
from support import make_cell, make_spec, record_round

from atp_ray.measures.results import CellResult, Interval, Setting, load_results
from atp_ray.measures.tipping import base_checkpoint, pooled_first_round, tippings
from atp_ray.storage.tables import write_cell


def cell(checkpoint: str, *rates: tuple[float, float, float] | None, threshold: int = 4) -> CellResult:
    intervals = tuple(Interval(*rate, 56, "wilson") if rate else None for rate in rates)
    return CellResult(Setting(checkpoint, "model", 8, threshold, 1.0), intervals, None, 112, 0)


BASE = cell("base", (0.8, 0.7, 0.9), (0.9, 0.8, 0.95))


@pytest.mark.parametrize(
    ("first", "last", "aligned", "course", "below"),
    [
        ((0.3, 0.2, 0.4), (0.6, 0.5, 0.7), True, "climbs", True),
        ((0.3, 0.2, 0.4), (0.9, 0.85, 0.95), True, "climbs", False),
        ((0.3, 0.2, 0.4), (0.35, 0.25, 0.45), True, "no clear change", True),
        ((0.6, 0.5, 0.72), (0.1, 0.0, 0.2), False, "falls", True),
    ],
)
def test_a_difference_counts_only_where_the_intervals_do_not_overlap(first, last, aligned, course, below) -> None:
    (found,) = tippings([BASE, cell("dpo", first, last)], "base")
    assert (found.aligned, found.course, found.below_in_the_end) == (aligned, course, below)


def test_a_variant_is_named_with_its_setting_and_compared_at_the_first_and_last_of_many_rounds() -> None:
    base = cell("base", (0.8, 0.7, 0.9), (0.5, 0.4, 0.6), (0.9, 0.8, 0.95))
    (found,) = tippings([base, cell("dpo", (0.3, 0.2, 0.4), (0.4, 0.3, 0.5), (0.6, 0.5, 0.7))], "base")
    ends = (found.base_first, found.first, found.base_last, found.last)
    assert [interval.rate for interval in ends] == [0.8, 0.3, 0.9, 0.6]
    assert found.checkpoint == "dpo"
    assert found.setting == "n=8, t=4"


def test_only_settings_that_both_played_are_compared() -> None:
    other = cell("dpo", (0.3, 0.2, 0.4), (0.6, 0.5, 0.7), threshold=6)
    undecided = cell("grpo", (0.3, 0.2, 0.4), None)
    assert tippings([BASE, other, undecided], "base") == []


def test_the_base_is_the_first_checkpoint_asked_for() -> None:
    assert base_checkpoint({"checkpoints": {"runs/a": {"name": "a"}, "b": {"name": "b"}}}) == "a"
    assert base_checkpoint({"checkpoints": {"tiny": {"name": "tiny"}}}) is None
    assert base_checkpoint({}) is None
    for unnamed in ({}, {"name": ""}, "a"):
        assert base_checkpoint({"checkpoints": {"a": unnamed, "b": {"name": "b"}}}) is None


def test_the_pooled_rate_leaves_out_a_checkpoint_that_has_not_played_all_settings(tmp_path) -> None:
    for checkpoint, thresholds in (("policy:collude", (2, 8)), ("policy:refrain", (8,)), ("policy:quantal", (2, 8))):
        for threshold in thresholds:
            spec = make_spec(threshold=threshold, rounds=1, checkpoint=checkpoint)
            found = make_cell(spec, cell_id=f"{checkpoint[7:]}-{threshold}", checkpoint=checkpoint)
            record = record_round(spec, (), [int(checkpoint == "policy:collude")] * 8)
            write_cell(tmp_path, found, {spec.episode_id: [record]})
    pooled = pooled_first_round(tmp_path, load_results(tmp_path), "policy:collude")
    assert {name: (interval.rate, interval.n) for name, interval in pooled.items()} == {
        "policy:collude": (1.0, 16), "policy:quantal": (0.0, 16),
    }  # fmt: skip
