from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_spec, play, record_round

from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.problems import Solution
from atp_ray.play.rounds import observe_round
from atp_ray.play.sight import count_others
from atp_ray.play.turns import PublicRound


def test_a_seat_sees_its_own_reply_and_capital_and_nobody_elses() -> None:
    spec = make_spec(n=4, threshold=3)
    record = record_round(spec, [], [1, 1, 0, 0])
    memory = EpisodeMemory(spec, (1, 2))
    memory.observe([observe_round(spec, record, (1, 2))])
    first, second = memory.seat_view(0).rounds[0], memory.seat_view(1).rounds[0]
    assert (first.own_reply, first.capital_after) == ('{"choice": "share information"}', 0.8)
    assert (second.own_reply, second.capital_after) == ('{"choice": "keep information"}', 1.0)
    assert first.public.replies_A is None


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 9), st.data())
def test_the_window_keeps_the_last_rounds_however_they_arrive(window, rounds, data) -> None:
    spec = make_spec(n=4, threshold=2, rounds=rounds, history_window=window)
    records = play(spec, seed=1)
    memory = EpisodeMemory(spec, (0, 3))
    sent = 0
    while sent < rounds:
        # Requests repeat and overlap; a memory must not care.
        start, sent = data.draw(st.integers(0, sent)), data.draw(st.integers(sent + 1, rounds))
        memory.observe([observe_round(spec, record, (0, 3)) for record in records[start:sent]])
    assert memory.known_rounds == rounds
    assert [seen.public.round for seen in memory.seat_view(1).rounds] == list(
        range(max(1, rounds - window + 1), rounds + 1)
    )


def test_a_memory_rebuilt_from_the_log_shows_what_an_unbroken_one_does() -> None:
    spec = make_spec(rounds=6, history_window=2)
    records = play(spec)
    unbroken = EpisodeMemory(spec, (5,))
    for record in records:
        unbroken.observe([observe_round(spec, record, (5,))])
    rebuilt = EpisodeMemory(spec, (5,), known_rounds=4)
    rebuilt.observe([observe_round(spec, record, (5,)) for record in records[-2:]])
    one, other = unbroken.seat_view(0), rebuilt.seat_view(0)
    assert [r.own_reply for r in one.rounds] == [r.own_reply for r in other.rounds]
    assert [r.public.round for r in one.rounds] == [r.public.round for r in other.rounds] == [5, 6]


def test_a_seat_remembers_its_own_solutions() -> None:
    spec = make_spec(n=4, threshold=3)
    one = Solution("one", "simple", used_tool=False, answer="4", correct=True, cost=0.1, reply="4")
    observation = replace(observe_round(spec, record_round(spec, [], [1, 1, 0, 0]), (1, 2)), solutions_S=((), (one,)))
    memory = EpisodeMemory(spec, (1, 2))
    memory.observe([observation])
    assert [memory.seat_view(index).rounds[0].solutions for index in (0, 1)] == [(), (one,)]
    plain = EpisodeMemory(spec, (1, 2))
    plain.observe([replace(observation, solutions_S=())])
    assert plain.seat_view(1).rounds[0].solutions == ()


def test_a_round_of_other_seats_is_refused() -> None:
    spec = make_spec()
    with pytest.raises(ValueError, match="2 replies observed for 1 seats"):
        EpisodeMemory(spec, (0,)).observe([observe_round(spec, play(spec)[0], (0, 1))])


def test_a_skipped_round_is_refused() -> None:
    spec = make_spec()
    records = play(spec)
    memory = EpisodeMemory(spec, (0,))
    with pytest.raises(ValueError, match="round 2 observed after round 0"):
        memory.observe([observe_round(spec, records[1], (0,))])


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.data())
def test_others_are_counted_without_oneself(actions, data) -> None:
    seat = data.draw(st.integers(0, len(actions) - 1))
    spec = make_spec(n=len(actions), threshold=1)
    count = count_others(spec, PublicRound(1, np.array(actions, dtype=np.int8), True), seat)
    others = actions[:seat] + actions[seat + 1 :]
    assert count == (others.count(1), others.count(0) + others.count(1), others.count(2) + others.count(3))
