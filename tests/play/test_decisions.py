"""Decisions of single seats as columns over them."""

import numpy as np
import pytest

from atp_ray.play.actions import Action
from atp_ray.play.decisions import SeatDecision, TurnFailure, as_columns, merge_decisions, plain_decisions
from atp_ray.play.problems import Solution

ONE = Solution("one", "simple", used_tool=False, answer="4", correct=True, cost=0.1, reply="4")
FAILURE = TurnFailure(7, 2, "Unparsed", "no_decision")


def test_each_seats_decision_is_one_entry_of_every_column() -> None:
    rows = [
        SeatDecision(Action.DEVIANT, "a", 1, 10, 20, 0.5),
        SeatDecision(Action.UNPARSED, "b", 3, 30, 60, 2.0, FAILURE),
        SeatDecision(Action.ALIGNED, None),
    ]
    columns = as_columns(rows)
    assert columns.action_A.tolist() == [1, Action.UNPARSED, 0]
    assert columns.reply_A == ("a", "b", None)
    assert columns.attempts_A.tolist() == [1, 3, 1]
    assert columns.prompt_tokens_A.tolist() == [10, 30, 0]
    assert columns.completion_tokens_A.tolist() == [20, 60, 0]
    assert columns.latency_A == pytest.approx([0.5, 2.0, np.nan], nan_ok=True)
    assert columns.failures == (FAILURE,)
    assert columns.solutions_A == ()


@pytest.mark.parametrize("rows", [[], [SeatDecision(Action.DEVIANT, "a", latency_s=1)]], ids=["none", "one"])
def test_columns_have_the_same_types_for_any_number_of_seats(rows) -> None:
    columns = as_columns(rows)
    assert columns.action_A.dtype == np.int8
    assert {columns.attempts_A.dtype, columns.prompt_tokens_A.dtype, columns.completion_tokens_A.dtype} == {
        np.dtype(np.int64)
    }
    assert columns.latency_A.dtype == np.float64


def test_solutions_are_a_column_as_soon_as_one_seat_has_some() -> None:
    rows = [SeatDecision(Action.ALIGNED, "4", solutions=(ONE, ONE)), SeatDecision(Action.MISSING, None)]
    assert as_columns(rows).solutions_A == ((ONE, ONE), ())


def test_options_are_a_column_where_anybody_took_one_of_many() -> None:
    rows = [SeatDecision(Action.DEVIANT, "a", option=4), SeatDecision(Action.UNPARSED, "b"),
            SeatDecision(Action.ALIGNED, "c", option=0)]  # fmt: skip
    columns = as_columns(rows)
    assert columns.option_A.tolist() == [4, -1, 0]
    assert columns.option_A.dtype == np.int8
    assert as_columns(rows[1:2]).option_A is None
    merged = merge_decisions(6, [((4, 2), as_columns(rows[:2])), ((0,), as_columns(rows[2:]))])
    assert merged.option_A.tolist() == [0, -1, -1, -1, 4, -1]
    assert merge_decisions(2, [((1,), as_columns(rows[1:2]))]).option_A is None


def test_failures_are_told_by_seat() -> None:
    late, early = (TurnFailure(seat, 1, "Unparsed", "no_decision") for seat in (5, 1))
    assert merge_decisions(6, [], [late, early]).failures == (early, late)


def test_plain_decisions_took_nothing() -> None:
    plain = plain_decisions(np.array([1, 0], dtype=np.int8), ["a", None])
    assert [plain.attempts_A.tolist(), plain.prompt_tokens_A.tolist(), plain.completion_tokens_A.tolist()] == [
        [0, 0]
    ] * 3
