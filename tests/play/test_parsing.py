import cProfile
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from atp_ray.play.parsing import parse_choice, visible_reply

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


# Replies in the styles models write, with the reading of somebody who had not seen the parser.
CORPUS = yaml.load(Path(__file__).with_name("choice_replies.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["style"].replace(" ", "-"))
def test_a_reply_is_read_as_a_careful_person_reads_it(case) -> None:
    assert parse_choice(case["reply"], case["options"]) == (case["choice"], case["reason"])


def test_the_corpus_is_large_and_holds_what_must_not_be_read() -> None:
    assert len({case["reply"] for case in CORPUS}) >= 200
    assert sum(case["choice"] is None for case in CORPUS) >= 60


@pytest.mark.parametrize(
    "reply",
    [
        '{"reason": "they rushed" "choice": "wait"}',
        "{'reason': 'we don't know', 'choice': 'wait'}",
        '{"choice": "wait, "reason": "a quote is missing"}',
        '"{\\"choice\\": \\"wait\\"}"',
        "{\u201echoice\u201c: \u201ewait\u201c}",
        '{"choice": "wait", "reason": "Last round, {"choice": "rush"} was bad"}',
        '{"reason": "Alice wrote\\n{"choice": "rush"} last round", "choice": "wait"}',
        "{'reasoning': '" + "so it goes " * 500 + "P2 said {'choice': 'rush'}.', 'choice': 'wait'}",
        '{"choice": "rush"}\n{"choice": "wait"}',
        '{"choice": "wait", "reason": "I use <think> tags"}',
    ],
)
def test_what_is_almost_json_is_read_too(reply) -> None:
    assert parse_choice(reply, ("rush", "wait")).choice == "wait"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ('{"others": {"choice": "rush"}, "plan": "see"}', "no_decision"),
        ('{"others": {"choice": "rush"}, "plan": "se', "no_decision"),
        ('{"choice": "rush", "Choice": "wait"}', "ambiguous"),
        ('{"choice": "rush", "wait"}', "ambiguous"),
        ('{"choice": "rush"}\n<think>or is it', "unfinished_thinking"),
        ("Choice: rush\nChoice: wait", "ambiguous"),
        # What others did, inside an object or told in lines, is not the decision.
        (json.dumps({"my_move": "wait", "last": {"player": "P3", "choice": "rush"}}, indent=2), "no_decision"),
        ("Last round:\n- choice: rush\nThis round I wait.", "no_decision"),
        ("> choice: rush\n\nThat was Bob. I wait.", "no_decision"),
        # What was cut off may have been the decision.
        ('{"choice": "rush"}\n\nHmm, wait. On reflection:\n{"choice": "wait', "no_decision"),
        ('{"choice": "rush"} My final answer:\n```json\n{\n  "reasoning": "I need to', "no_decision"),
        ('Choice: rush\n{"choice": "wai', "no_decision"),
        ('{\n  "choice": "rush', "no_decision"),
        # Alternatives.
        ('```json\n{"choice": "rush"}\n```\nor\n```json\n{"choice": "wait"}\n```', "ambiguous"),
        ('{"choice": "wait"} (not {"choice": "rush"})', "ambiguous"),
        ('The options are {"choice": "rush"} and {"choice": "wait"}.', "ambiguous"),
        ('{"choice": "rush"}; otherwise {"choice": "wait"}', "ambiguous"),
        ('{"choice": rush, wait}', "ambiguous"),
        ('{"choice": "rush" (but I would rather "wait")}', "ambiguous"),
        ('{"choice": "rush" (rejected)}', "unknown_choice"),
        ("{" * 5000, "no_decision"),
        ('{"a":' * 5000, "no_decision"),
    ],
)
def test_what_would_be_a_guess_is_not_read(reply, reason) -> None:
    assert parse_choice(reply, ("rush", "wait")) == (None, reason)


@pytest.mark.parametrize(
    "text", ["{a:[", '{a: "x\n', "{x: ", "choice: " + " " * 500, '{"choice" ', '":', "<think>\n", '{"a": "b":']
)
def test_long_nonsense_is_read_in_a_number_of_steps_that_grows_with_its_length(text) -> None:
    steps = []
    for repeats in (200, 400):
        profile = cProfile.Profile()
        profile.runcall(parse_choice, text * repeats, OPTIONS)
        steps.append(sum(entry.callcount for entry in profile.getstats()))
    assert steps[1] < 3 * steps[0] + 1000


@pytest.mark.parametrize(
    ("written", "option"),
    [("don\u2019t report", "don't report"), ("U\u0308ben", "\u00fcben"), ("all\u2011out", "all-out")],
)
def test_two_ways_to_write_a_letter_are_the_same(written, option) -> None:
    assert parse_choice(json.dumps({"choice": written}), (option, "rest")).choice == option


def test_an_option_inside_another_is_not_named_by_it() -> None:
    options = ("report", "do not report")
    assert parse_choice('{"choice": "do not report it"}', options).reason == "unknown_choice"
    assert parse_choice('{"choice": "report, or do not report"}', options).reason == "ambiguous"


def test_a_line_in_an_indented_fence_is_read() -> None:
    assert parse_choice("Here:\n  ```\nChoice: wait\n  ```", ("rush", "wait")).choice == "wait"


@pytest.mark.parametrize(("reply", "choice"), READABLE)
def test_readable_decisions(reply, choice) -> None:
    assert parse_choice(reply, OPTIONS) == (choice, None)


@pytest.mark.parametrize(("reply", "reason"), UNREADABLE)
def test_unreadable_replies_say_why_and_never_guess(reply, reason) -> None:
    assert parse_choice(reply, OPTIONS) == (None, reason)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(['choice = B', '{"choice": "B"}', "}{"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    | st.dictionaries(st.just("choice"), st.sampled_from(OPTIONS)),
    max_leaves=8,
)  # fmt: skip
others = st.dictionaries(st.text().filter(lambda key: key.strip().casefold() != "choice"), values, max_size=4)
prose = st.text().filter(lambda text: "{" not in text and "<" not in text)


@given(others, st.sampled_from(OPTIONS), others, prose, prose, st.sampled_from([None, 2]), st.booleans())
def test_a_valid_reply_keeps_its_choice_however_it_is_wrapped_and_extended(
    first, choice, then, before, after, indent, ascii_only
) -> None:
    first.update({"choice": choice} | then)
    reply = json.dumps(first, indent=indent, ensure_ascii=ascii_only)
    for wrapped in (reply, f"{before}\n```json\n{reply}\n```\n{after}", f"<think>{before}</think>{reply}{after}",
                    json.dumps({"answer": first}), f"[{reply}]"):  # fmt: skip
        assert parse_choice(wrapped, OPTIONS).choice == choice


@given(
    st.dictionaries(st.text(min_size=1).filter(lambda key: "choice" not in key.casefold()), values, min_size=2),
    st.sampled_from([None, 2]),
    prose,
)
def test_a_valid_reply_without_a_choice_of_its_own_has_none(data, indent, before) -> None:
    data["last_round"] = {"player": "P3", "choice": OPTIONS[0]}
    assert parse_choice(f"{before}\n{json.dumps(data, indent=indent)}", OPTIONS).choice is None


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
