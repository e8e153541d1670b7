"""Rounds in which only some seats decide: what the others decided last stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_ray.play.actions import Action, decode_actions, encode_actions
from atp_ray.play.chances import of_two_options, options_drawn
from atp_ray.play.decisions import Decisions, TurnFailure, actions_of, merge_decisions, plain_decisions, with_standing
from atp_ray.storage.stored_rounds import asked_seats, options_taken


def decided(*options: int, told: bool = True) -> Decisions:
    option_A = np.array(options, dtype=np.int8)
    return plain_decisions(
        actions_of(option_A), [f"said {option}" for option in options], 1, option_A if told else None
    )


def some(n_seats: int, seats: tuple[int, ...], decisions: Decisions, failures=()) -> Decisions:
    return merge_decisions(n_seats, [(seats, decisions)], failures)


def test_who_is_not_asked_keeps_action_option_and_reply() -> None:
    asked_A = np.array([True, False, False, True])
    second = with_standing(some(4, (0, 3), decided(1, 0)), asked_A, decided(0, 1, 2, 2))
    assert second.action_A.tolist() == [Action.ALIGNED, Action.ALIGNED, Action.ALIGNED, Action.DEVIANT]
    assert second.options_A.tolist() == [1, 1, 2, 0]
    assert second.reply_A == ("said 1", "said 1", "said 2", "said 0")
    assert (second.n_asked, second.asked_A.tolist()) == (2, asked_A.tolist())


def test_before_the_first_turn_a_seat_is_idle_and_stays_so() -> None:
    first = with_standing(some(3, (1,), decided(0)), np.array([False, True, False]), None)
    assert [Action(code).label for code in first.action_A] == ["idle", "deviant", "idle"]
    second = with_standing(some(3, (2,), decided(2)), np.array([False, False, True]), first)
    assert second.options_A.tolist() == [-1, 0, 2]
    assert encode_actions(second.action_A) == "ida"
    assert decode_actions("ida").tolist() == second.action_A.tolist()


def test_a_failed_turn_stands_as_a_failure_until_the_next() -> None:
    asked_A, lost = np.array([True, True]), TurnFailure(1, 2, "ModelError", "gone")
    second = with_standing(some(2, (0,), decided(0, told=False), [lost]), asked_A, decided(1, 0, told=False))
    assert second.action_A.tolist() == [Action.DEVIANT, Action.MISSING]
    assert second.option_A is None
    assert second.failures == (lost,)
    third = with_standing(some(2, (0,), decided(1, told=False)), np.array([True, False]), second)
    assert third.action_A.tolist() == [Action.ALIGNED, Action.MISSING]
    assert third.failures == ()


def test_of_two_options_the_action_says_which() -> None:
    actions = np.array([Action.DEVIANT, Action.ALIGNED, Action.UNPARSED, Action.MISSING, Action.IDLE], dtype=np.int8)
    assert plain_decisions(actions, [None] * 5).options_A.tolist() == [0, 1, -1, -1, -1]


@given(st.lists(st.floats(0, 1), min_size=1), st.integers(0, 2**32 - 1))
def test_two_options_are_drawn_as_one_chance_is(chances: list[float], seed: int) -> None:
    chance_S, uniform_S = np.array(chances), np.random.default_rng(seed).random(len(chances))
    drawn_S = options_drawn(of_two_options(chance_S), uniform_S)
    assert (drawn_S == 0).tolist() == (uniform_S < chance_S).tolist()


def test_of_more_options_each_is_drawn_as_often_as_its_chance_says() -> None:
    chance_SK = np.tile([0.2, 0.0, 0.5, 0.3], (10_000, 1))
    drawn_S = options_drawn(chance_SK, np.linspace(0, 1, 10_000, endpoint=False))
    assert np.bincount(drawn_S, minlength=4).tolist() == pytest.approx([2000, 0, 5000, 3000], abs=1)


def test_columns_of_tables_are_read_back() -> None:
    assert options_taken(["q", None, "m"], ("m", "q", "x")).tolist() == [1, -1, 0]
    assert options_taken(["q", None], ("m", "q")) is None
    assert asked_seats([True, False]).tolist() == [True, False]
    assert asked_seats([None, None]) is None
