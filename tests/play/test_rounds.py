"""Replies become a settled round, and a settled round what each seat observes."""

from dataclasses import replace

import numpy as np
import pytest
from support import make_spec, record_round

from atp_ray.play.actions import Action
from atp_ray.play.decisions import Decisions, TurnFailure, merge_decisions
from atp_ray.play.problems import Solution
from atp_ray.play.rounds import next_turn, observe_round, settle_round


def reply_of(seats, actions, failures=(), solutions=()) -> tuple[tuple[int, ...], Decisions]:
    columns = np.array(seats)
    decided = Decisions(
        np.array(actions, dtype=np.int8), tuple(f"reply {seat}" for seat in seats),
        columns + 1, columns + 10, columns + 20, columns + 0.5, tuple(failures), tuple(solutions),
    )  # fmt: skip
    return tuple(seats), decided


def solution(problem: str) -> Solution:
    return Solution(problem, "complex", used_tool=True, answer="4", correct=True, cost=1.0, reply="")


def test_hosts_replies_are_put_together_by_seat_in_any_order() -> None:
    parts = [reply_of([2, 3], [1, 0]), reply_of([0], [1])]
    lost = [TurnFailure(1, 1, "TurnTimeout", "no answer within 1 s")]
    for decisions in (merge_decisions(4, parts, lost), merge_decisions(4, parts[::-1], lost)):
        assert decisions.action_A.tolist() == [1, Action.MISSING, 1, 0]
        assert decisions.action_A.dtype == np.int8
        assert decisions.reply_A == ("reply 0", None, "reply 2", "reply 3")
        assert decisions.attempts_A.tolist() == [1, 0, 3, 4]
        assert decisions.prompt_tokens_A.tolist() == [10, 0, 12, 13]
        assert decisions.completion_tokens_A.tolist() == [20, 0, 22, 23]
        assert decisions.attempts_A.dtype == np.int64
        assert decisions.latency_A == pytest.approx([0.5, np.nan, 2.5, 3.5], nan_ok=True)
        assert decisions.failures == tuple(lost)
        assert decisions.solutions_A == ()


def test_failures_of_hosts_and_of_their_seats_are_told_by_seat() -> None:
    seats = [TurnFailure(seat, 1, "ModelError", f"seat {seat}") for seat in range(3)]
    decisions = merge_decisions(3, [reply_of([2], [3], [seats[2]]), reply_of([0], [3], [seats[0]])], [seats[1]])
    assert decisions.failures == tuple(seats)


def test_solutions_stay_with_the_seat_that_found_them() -> None:
    solved = [reply_of([2, 1], [1, 0], solutions=[(solution("two"), solution("more")), (solution("one"),)])]
    of_seat = merge_decisions(3, [*solved, reply_of([0], [3])]).solutions_A
    assert [[found.problem_id for found in one] for one in of_seat] == [[], ["one"], ["two", "more"]]


def test_rounds_follow_each_other_and_capital_is_carried() -> None:
    spec = make_spec(n=2, threshold=2)
    first = record_round(spec, [], [1, 1])
    second = record_round(spec, [first], [1, 0])
    assert (first.round, second.round) == (1, 2)
    assert second.capital_before_A.tolist() == first.capital_after.value_A.tolist() == [1.2, 1.2]
    assert second.capital_after.value_A == pytest.approx([0.96, 1.2])


def test_replies_travel_only_where_they_are_shown_and_without_thinking() -> None:
    zeros = np.zeros(2, dtype=np.int64)
    replies = ('<think>secret</think>{"choice": "share information"}', None)
    decisions = Decisions(np.array([1, 3], dtype=np.int8), replies, zeros, zeros, zeros, np.zeros(2), ())
    for visibility in ("choices", "counts", "replies"):
        spec = make_spec(n=2, threshold=1, visibility=visibility)
        observation = observe_round(spec, settle_round(spec, [], decisions), (1,))
        assert observation.own_reply_S == (None,)
        shown = ('{"choice": "share information"}', None)
        assert observation.public.replies_A == (shown if visibility == "replies" else None)


def test_each_seat_is_told_its_own_solutions_and_no_solutions_where_there_are_none() -> None:
    spec = make_spec(n=3, threshold=2)
    record = record_round(spec, [], [1, 1, 0])
    assert observe_round(spec, record, (0, 2)).solutions_S == ()
    found = ((solution("zero"),), (solution("one"),), ())
    solved = replace(record, decisions=record.decisions._replace(solutions_A=found))
    told = observe_round(spec, solved, (1, 2)).solutions_S
    assert [[found.problem_id for found in one] for one in told] == [["one"], []]


def test_a_reply_with_fewer_texts_than_seats_is_refused() -> None:
    seats, decided = reply_of([0, 1], [1, 0])
    with pytest.raises(ValueError, match="shorter"):
        merge_decisions(2, [(seats, decided._replace(reply_A=("reply 0",)))])


def test_a_reply_with_fewer_solutions_than_seats_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        merge_decisions(2, [reply_of([0, 1], [1, 0], solutions=[(solution("one"),)])])


def test_a_host_is_told_the_last_round_and_one_that_lost_its_memory_the_whole_window() -> None:
    spec = make_spec(n=4, threshold=2, rounds=9, history_window=3)
    settled = []
    for actions in ([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]):
        settled.append(record_round(spec, settled, actions))
    news = next_turn(spec, settled, (1, 3), whole=False)
    assert (news.episode_id, news.round, news.seats, news.spec) == (spec.episode_id, 6, (1, 3), None)
    assert [seen.public.round for seen in news.observations] == [5]
    afresh = next_turn(spec, settled, (1, 3), whole=True)
    assert (afresh.round, afresh.spec) == (6, spec)
    assert [seen.public.round for seen in afresh.observations] == [3, 4, 5]
    assert [seen.public.actions_A.tolist() for seen in afresh.observations] == [
        [1, 1, 1, 0],
        [1, 1, 1, 1],
        [0, 0, 0, 0],
    ]
    expected = [record.capital_after.value_A[[1, 3]].tolist() for record in settled[2:]]
    assert [seen.capital_after_S.tolist() for seen in afresh.observations] == expected
    assert next_turn(spec, [], (0,), whole=True).observations == ()
