"""What counts as repeating a prompt's numbers rightly."""

import pytest
from grid_runs import write_grid_run

from benchmarks.tiny_reading import Reading, read_rightly, readings

FIRST = "Needed 16 of 64 (25%), high 1.2 low 0.8. No history. Pull 60."
LATER = "Needed 16 of 64 (25%), high 1.2 low 0.8. Last 21 of 64 (33%), I joined, enough. Pull 90."


@pytest.mark.parametrize(
    ("reply", "joined", "reading"),
    [
        (FIRST, None, Reading(True, True, None)),
        (FIRST.replace("25%", "40%"), None, Reading(True, False, None)),
        (FIRST.replace("64", "44"), None, Reading(False, True, None)),
        (LATER, 21, Reading(True, True, True)),
        (LATER, 22, Reading(True, True, False)),
        (LATER.replace("33%", "32%"), 21, Reading(True, True, False)),
        (FIRST, 21, Reading(True, True, False)),
        ("I share.", None, Reading(False, False, None)),
    ],
)
def test_each_number_is_compared(reply, joined, reading) -> None:
    assert read_rightly(reply, 16, 64, joined) == reading


def test_every_reply_of_a_run_is_read(tmp_path) -> None:
    settings = ("scenarios=info_sharing", "thresholds=4", "incentive_ratios=1", "rounds=2")
    run = write_grid_run(tmp_path, checkpoints=("tiny",), settings=settings, says=lambda choice: "Needed 4 of 8 (50%).")
    found = list(readings(run, "tiny"))
    assert [n for n, _ in found] == [8] * 16
    assert [reading for _, reading in found] == [Reading(True, True, None)] * 8 + [Reading(True, True, False)] * 8
    assert not list(readings(run, "policy:quantal"))
