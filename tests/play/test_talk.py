"""Cheap talk: what counts as said, who hears it, and where it stands in a prompt."""

from __future__ import annotations

import numpy as np
import pytest
from naming_play import naming_spec
from pydantic import ValidationError
from support import make_spec, play, record_round, role_play_spec, tool_spec

from atp_ray.checkpoint.scope import load_scope
from atp_ray.errors import ScopeError
from atp_ray.paradigms.conventions.pairing import partners_of
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action
from atp_ray.play.answers import SeatAnswer, answer_columns, merge_answers, no_answers, with_talk
from atp_ray.play.asides import asides_of, first_messages
from atp_ray.play.decisions import TurnFailure, plain_decisions
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.rounds import next_turn, observe_round, settle_round
from atp_ray.play.sight import heard_seats
from atp_ray.play.talk import heard_text, read_message, say_instruction
from atp_ray.play.transcripts import seat_turns
from atp_ray.play.turns import Talk

SPOKEN = ("join me", None, 'the others "lie"')


def talking(**fields):
    return make_spec(n=3, threshold=2, talk=40, **fields)


def settled_round(spec, said=SPOKEN):
    """A round in which all collude after these messages, each of which took 2 requests, 20 and 4 tokens and 1 s."""
    words = [f'{{"choice": "{spec.scenario.options[0]}"}}'] * 3
    decisions = plain_decisions(np.array([1, 1, 1], dtype=np.int8), words, attempts=1)
    answers = answer_columns([SeatAnswer(text, 2, 20, 4, 1.0) for text in said])
    return settle_round(spec, [], with_talk(decisions, answers))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("I will join.", "I will join."),
        ('  "Join\n\n me,\u2028now"  ', "Join me, now"),
        ("<think>hm</think>Join", "Join"),
        ("<think>never closed", None),
        ("(nothing)", None),
        ("Nothing.", None),
        ("", None),
        ("nothing beats it", "nothing beats it"),
        ("x" * 50, "x" * 40),
        ("x" * 39 + " y", "x" * 39),
        ("\u201cjoin\u201d", "join"),
        ('"', '"'),
        ('""', None),
        ("' \"join\" '", "join"),
        ("nothing X", "nothing X"),
        ("  . (Nothing) ", None),
    ],
)
def test_a_message_is_one_line_without_thinking_and_quotes_cut_at_the_limit(reply: str, said: str | None) -> None:
    assert read_message(reply, 40) == said


def test_a_seat_is_told_what_those_it_hears_have_said_and_what_it_said_itself() -> None:
    told = heard_text(talking(), 1, Talk(SPOKEN), 0)
    assert told.splitlines() == [
        "What was said before this decision:",
        "Agent 3: \"the others 'lie'\"",
        "The rest said nothing.",
        'You: "join me"',
    ]
    assert heard_text(talking(), 1, Talk(SPOKEN, frozenset({2})), 1).splitlines() == [
        "What was said before this decision:",
        'Agent 1: "join me"',
        "You said nothing.",
    ]


def test_where_nobody_has_spoken_that_is_told() -> None:
    assert heard_text(talking(), 1, Talk((None, None, None)), 0).splitlines()[1:] == [
        "The others said nothing.",
        "You said nothing.",
    ]
    assert len(heard_text(talking(), 1, Talk(("a", "b", None), frozenset({2})), 0).splitlines()) == 3


def test_of_a_pair_a_seat_is_told_what_its_partner_of_that_round_said() -> None:
    spec = naming_spec(n_agents=6, seed=4, talk=20)
    said = tuple(f"word {seat}" for seat in range(6))
    for number in (1, 2, 3):
        partner = int(partners_of(spec, number)[0])
        told = heard_text(spec, number, Talk(said), 0).splitlines()
        assert told[1:] == [f'Agent {partner + 1}: "word {partner}"', 'You: "word 0"']


def test_how_a_seat_is_asked_to_speak() -> None:
    assert say_instruction(40) == (
        "Before anybody decides, each agent may say one short thing to the others, who read it before they decide. "
        "It binds nobody. Do not decide yet: reply with what you say and nothing else, in one line of at most 40 "
        "characters, or with (nothing) to say nothing."
    )


def test_nobody_hears_itself_or_who_is_in_quarantine() -> None:
    assert list(heard_seats(talking(), 1, frozenset({0, 1}), 1)) == [2]


def test_the_decision_and_later_rounds_show_what_was_said_and_nothing_else_changes() -> None:
    spec, silent = talking(), make_spec(n=3, threshold=2)
    record = settled_round(spec)
    memory, quiet = EpisodeMemory(spec, (0, 1, 2)), EpisodeMemory(silent, (0, 1, 2))
    memory.observe([observe_round(spec, record, (0, 1, 2))])
    quiet.observe([observe_round(silent, record_round(silent, [], [1, 1, 1]), (0, 1, 2))])
    now = Talk((None, "again", None))
    environment = paradigm("games").environment
    sent = environment.messages(memory.seat_view(0, talk=now))
    told = [heard_text(spec, 1, Talk(SPOKEN), 0), heard_text(spec, 2, now, 0)]
    assert [message["content"] for message in sent if message["content"].startswith("What was said")] == told
    assert sent[2]["content"] == told[0], "it follows the question"
    assert sent[-1]["content"] == told[1]
    plain = [message for message in sent if message["content"] not in told]
    assert plain == environment.messages(quiet.seat_view(0))


def test_to_speak_a_seat_is_asked_after_all_it_knows_and_hears_nothing_of_that_round() -> None:
    spec = talking()
    view = EpisodeMemory(spec, (0,)).seat_view(0)
    environment = paradigm("games").environment
    (say,) = asides_of(spec, "say", 1)
    assert first_messages(view) == [*environment.messages(view), {"role": "user", "content": say.question}]
    assert "at most 40 characters" in say.question
    assert say.kept(say.example) == say.example.rstrip()
    assert first_messages(view._replace(talk=Talk(SPOKEN))) == environment.messages(view._replace(talk=Talk(SPOKEN)))
    assert asides_of(make_spec(), "say", 1) == ()


def test_what_a_message_took_is_added_and_a_lost_one_is_no_lost_decision() -> None:
    spec = talking()
    lost = TurnFailure(1, 1, "ModelError", "gone")
    said = answer_columns([SeatAnswer("hi", 1, 10, 2, 0.5), SeatAnswer(None, 3, 0, 0, 0.2, lost), SeatAnswer(None)])
    decisions = plain_decisions(np.array([1, 1, Action.MISSING], dtype=np.int8), ["a", "b", None], attempts=1)
    both = with_talk(decisions, said)
    assert both.said_A == ("hi", None, None)
    assert both.attempts_A.tolist() == [2, 4, 1]
    assert both.prompt_tokens_A.tolist() == [10, 0, 0]
    assert both.latency_A[:2].tolist() == [0.5, 0.2]
    assert np.isnan(both.latency_A[2])
    assert both.failures == (TurnFailure(1, 1, "TalkFailed", "ModelError: gone"),)
    record = settle_round(spec, [], both)
    assert record.decisions.action_A.tolist() == [1, 1, Action.MISSING]


def test_answers_are_put_together_by_seat() -> None:
    lost = TurnFailure(0, 1, "AgentLost", "gone")
    part = answer_columns([SeatAnswer("two", 1, 5, 6, 0.1), SeatAnswer("one", 2, 7, 8, 0.2)])
    merged = merge_answers(3, [((2, 1), part)], [lost])
    assert merged.text_A == (None, "one", "two")
    assert merged.completion_tokens_A.tolist() == [0, 8, 6]
    assert merged.failures == (lost,)
    assert no_answers(2).attempts_A.tolist() == [0, 0]


def test_a_turn_says_what_is_asked_for_and_carries_what_was_said() -> None:
    spec = talking()
    records = [settled_round(spec)]
    say = next_turn(spec, records, (0, 1), whole=False, phase="say")
    decide = next_turn(spec, records, (0, 1), whole=False, said_A=SPOKEN)
    assert (say.phase, say.talk) == ("say", None)
    assert (decide.phase, decide.talk) == ("decide", Talk(SPOKEN))
    assert say.observations[0].public.said_A == SPOKEN
    silent = make_spec()
    assert next_turn(silent, play(silent)[:1], (0,), whole=False).observations[0].public.talk is None


def test_a_transcript_begins_with_what_was_said() -> None:
    spec = talking(rounds=1)
    turns = list(seat_turns(spec, [settled_round(spec)]))
    assert [[exchange.aside for exchange in turn.exchanges] for turn in turns] == [[True, False]] * 3
    assert [turn.exchanges[0].reply for turn in turns] == ["join me", "(nothing)", 'the others "lie"']
    assert turns[0].exchanges[1].messages[-1]["content"] == heard_text(spec, 1, Talk(SPOKEN), 0)


@pytest.mark.parametrize("make", [role_play_spec, tool_spec])
def test_an_agent_alone_has_nobody_to_talk_to(make) -> None:
    with pytest.raises(ValidationError, match="an agent alone has nobody to talk to"):
        type(make())(**(dict(make()) | {"talk": 10}))


def test_by_default_there_is_no_talk_and_the_id_is_what_it_was() -> None:
    assert "talk" not in make_spec().model_dump()
    assert make_spec(talk=0).episode_id == make_spec().episode_id == "532a2a5d79e963c1"
    assert make_spec(talk=1).episode_id != make_spec().episode_id


def test_the_small_checkpoint_refuses_what_it_was_not_taught(tiny) -> None:
    from pathlib import Path

    scope = load_scope(Path(tiny.source))
    scope.check(make_spec(checkpoint="tiny"))
    with pytest.raises(ScopeError, match="was not trained on messages before decisions"):
        scope.check(make_spec(checkpoint="tiny", talk=100))
