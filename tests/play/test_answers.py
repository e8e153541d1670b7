"""What seats answer as columns: put together by seat, and added to what their decisions took."""

from __future__ import annotations

import numpy as np
import pytest

from atp_ray.play.answers import SeatAnswer, answer_columns, merge_answers, no_answers, with_talk
from atp_ray.play.decisions import TurnFailure, plain_decisions

LOST = [TurnFailure(seat, 2, "ModelError", f"gone {seat}") for seat in range(4)]


def test_a_row_becomes_a_place_in_every_column() -> None:
    found = answer_columns([SeatAnswer("a", 1, 2, 3, 0.5, LOST[0]), SeatAnswer(None), SeatAnswer("c", 4, 5, 6, 0.25)])
    assert found.text_A == ("a", None, "c")
    assert (found.attempts_A.tolist(), found.prompt_tokens_A.tolist()) == ([1, 0, 4], [2, 0, 5])
    assert found.completion_tokens_A.tolist() == [3, 0, 6]
    assert {column.dtype for column in found[1:4]} == {np.dtype(np.int64)}
    np.testing.assert_array_equal(found.latency_A, [0.5, np.nan, 0.25])
    assert found.failures == (LOST[0],)
    nothing = no_answers(2)
    assert (nothing.text_A, nothing.failures) == ((None, None), ())
    assert [column.tolist() for column in nothing[1:4]] == [[0, 0]] * 3
    assert np.isnan(nothing.latency_A).all()


def test_parts_are_put_together_by_seat_and_failures_by_seat_too() -> None:
    first = answer_columns([SeatAnswer("three", 1, 10, 2, 0.5), SeatAnswer(None, 3, 30, 4, 1.5, LOST[0])])
    second = answer_columns([SeatAnswer("one", 2, 20, 6, 0.25)])
    merged = merge_answers(5, [((3, 0), first), ((1,), second)], [LOST[2]])
    assert merged.text_A == (None, "one", None, "three", None)
    assert merged.attempts_A.tolist() == [3, 2, 0, 1, 0]
    assert merged.prompt_tokens_A.tolist() == [30, 20, 0, 10, 0]
    assert merged.completion_tokens_A.tolist() == [4, 6, 0, 2, 0]
    np.testing.assert_array_equal(merged.latency_A, [1.5, 0.25, np.nan, 0.5, np.nan])
    assert merged.failures == (LOST[0], LOST[2])
    # Of one seat they stay in order.
    gone = [TurnFailure(1, 2, "Z", "first"), TurnFailure(1, 2, "A", "later")]
    assert merge_answers(2, [((1,), answer_columns([SeatAnswer(None, failure=gone[1])]))], gone[:1]).failures == (
        *gone,
    )
    with pytest.raises(ValueError, match="zip"):
        merge_answers(3, [((0, 1), second)])


def test_what_talk_took_is_added_and_its_failures_stand_among_the_others_by_seat() -> None:
    decisions = plain_decisions(np.array([1, 0, 1], dtype=np.int8), ["a", "b", "c"], attempts=2)._replace(
        prompt_tokens_A=np.array([100, 200, 300]),
        completion_tokens_A=np.array([1, 2, 3]),
        latency_A=np.array([2.0, np.nan, np.nan]),
        failures=(LOST[0], LOST[1]),
    )
    said = answer_columns(
        [SeatAnswer("hi", 1, 10, 4, 0.5, LOST[0]), SeatAnswer(None, 0, 20, 5, 0.25), SeatAnswer(None, 3, 30, 6)]
    )._replace(failures=(LOST[2], LOST[0]))
    both = with_talk(decisions, said)
    assert both.said_A == ("hi", None, None)
    assert both.attempts_A.tolist() == [3, 2, 5]
    assert both.prompt_tokens_A.tolist() == [110, 220, 330]
    assert both.completion_tokens_A.tolist() == [5, 7, 9]
    np.testing.assert_array_equal(both.latency_A, [2.5, 0.25, np.nan])
    assert both.failures == (
        TurnFailure(0, 2, "TalkFailed", "ModelError: gone 0"),
        LOST[0],
        LOST[1],
        TurnFailure(2, 2, "TalkFailed", "ModelError: gone 2"),
    )
    assert (both.action_A.tolist(), both.reply_A) == ([1, 0, 1], ("a", "b", "c"))
