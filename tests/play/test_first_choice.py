"""The reference's reading of a reply, which only grids that are played like the paper use."""

import pytest

from atp_ray.play.first_choice import parse_first_choice
from atp_ray.play.parsing import parse_choice

OPTIONS = ("share information", "keep information")
FIRST, LAST = OPTIONS


@pytest.mark.parametrize(
    ("reply", "choice"),
    [
        (f'<think>Say {{"choice": "{FIRST}"}}? No.</think> {{"choice": "{LAST}"}}', FIRST),
        (f'{{"choice": "{FIRST}"}} or {{"choice": "{LAST}"}}', FIRST),
        (f"{{'choice': '{LAST.upper()} '}}", LAST),
        (f'{{"reason": "safe", "choice": "{LAST}", "sure": true}}', LAST),
        (f'{{}} {{"a": 1}} {{"choice": "{LAST}"}}', LAST),
    ],
)
def test_the_first_choice_of_the_whole_reply_counts(reply, choice) -> None:
    assert parse_first_choice(reply, OPTIONS) == (choice, None)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (f'{{"choice": {FIRST}}}', "unknown_choice"),
        (f'{{"choice": "both"}} {{"choice": "{LAST}"}}', "unknown_choice"),
        (f"I would {FIRST}", "no_decision"),
        (f'{{"choice": "{FIRST}', "no_decision"),
        ("", "no_decision"),
    ],
)
def test_what_the_reference_cannot_read(reply, reason) -> None:
    assert parse_first_choice(reply, OPTIONS) == (None, reason)


def test_a_choice_without_quotes_is_cut_at_its_first_space() -> None:
    assert parse_first_choice("{choice: invest}", ("invest", "keep money")).choice == "invest"
    assert parse_first_choice("{choice: keep money}", ("invest", "keep money")).choice is None


def test_ours_reads_the_final_answer() -> None:
    reply = f'<think>{{"choice": "{FIRST}"}}</think> {{"choice": "{LAST}"}}'
    assert (parse_first_choice(reply, OPTIONS).choice, parse_choice(reply, OPTIONS).choice) == (FIRST, LAST)
