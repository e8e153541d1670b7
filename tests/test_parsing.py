import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_ray.parsing import parse_choice, visible_reply

OPTIONS = ("share information", "keep information")

READABLE = [
    ('{"choice": "share information"}', "share information"),
    ('I will wait.\n{"choice": "keep information"}', "keep information"),
    ('{"choice": share information}', "share information"),
    ("{choice: keep information}", "keep information"),
    ("{'choice': 'share information'}", "share information"),
    ('{"choice":"  SHARE   information "}', "share information"),
    ('{"Choice": "Keep Information."}', "keep information"),
    ('```json\n{"choice": "share information"}\n```', "share information"),
    ('{"reasoning": "others keep information", "choice": "share information"}', "share information"),
    ('{"choice": "share information", "confidence": 0.9}', "share information"),
    ("{\u201cchoice\u201d: \u201ckeep information\u201d}", "keep information"),
    ('First {"choice": "share information"}, but on reflection {"choice": "keep information"}', "keep information"),
    ('<think>maybe {"choice": "share information"}</think>{"choice": "keep information"}', "keep information"),
    ('maybe {"choice": "share information"}</think>\n\n{"choice": "keep information"}', "keep information"),
    ('{"choice": "keep information"}\nThat is my decision.', "keep information"),
]

UNREADABLE = [
    ("", "no_decision"),
    ("I choose to share information.", "no_decision"),
    ('{"decision": "share information"}', "no_decision"),
    ('{"choice": "do both"}', "unknown_choice"),
    ('{"choice": ""}', "unknown_choice"),
    ('{"choice": null}', "unknown_choice"),
    ('{"choice": "share information or keep information"}', "ambiguous"),
    ('either {"choice": "share information"} or {"choice": "keep information"}', "ambiguous"),
    ('{"choice": "share information"} or {"choice": "keep information"}.', "ambiguous"),
    ('<think>{"choice": "share information"}', "unfinished_thinking"),
    ('<think>a</think>{"choice": "sha', "no_decision"),
    ('{"choice": "share information"} then {"choice": "flee"}', "unknown_choice"),
]


@pytest.mark.parametrize(("reply", "choice"), READABLE)
def test_readable_decisions(reply, choice) -> None:
    assert parse_choice(reply, OPTIONS) == (choice, None)


@pytest.mark.parametrize(("reply", "reason"), UNREADABLE)
def test_unreadable_replies_say_why_and_never_guess(reply, reason) -> None:
    assert parse_choice(reply, OPTIONS) == (None, reason)


words = st.text("abcdefghijklmnopqrstuvwxyz -", min_size=1, max_size=20).filter(lambda text: text.strip(" -"))


@given(st.text(), st.sampled_from(OPTIONS), st.text(alphabet=st.characters(exclude_characters="{}<>")))
def test_the_last_decision_wins_whatever_stands_before_it(before, choice, after) -> None:
    before = before.replace("<think>", "").replace("{", "").replace("}", "")
    reply = f"{before}{json.dumps({'choice': choice})}{after}"
    assert parse_choice(reply, OPTIONS).choice == choice


@given(
    st.lists(words, min_size=2, max_size=2, unique_by=lambda w: " ".join(w.split()).strip("-. ").casefold()),
    st.booleans(),
)
def test_any_pair_of_options_round_trips(options, second) -> None:
    first_two = (options[0].strip(), options[1].strip())
    chosen = first_two[int(second)]
    assert parse_choice(json.dumps({"choice": chosen}), first_two).choice == chosen
    assert parse_choice(f"{{choice: {chosen.upper()}}}", first_two).choice == chosen


@given(st.text())
def test_any_text_gives_an_offered_choice_or_a_reason(text) -> None:
    parsed = parse_choice(text, OPTIONS)
    assert (parsed.choice in OPTIONS) != (parsed.reason is not None)


def test_history_shows_replies_without_their_thinking() -> None:
    assert visible_reply("<think>hm</think> yes") == "yes"
    assert visible_reply("<think>hm") is None
    assert visible_reply(" plain ") == "plain"
