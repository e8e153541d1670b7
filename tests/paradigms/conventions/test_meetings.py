"""What agents of a naming game remember, and what they are told of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from naming_play import naming_spec, remembered, settle_all

from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.paradigms.conventions.meetings import EMPTY, meetings, windows
from atp_ray.paradigms.conventions.pairing import partners_of
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.rounds import next_turn, observe_round
from atp_ray.play.turns import Observation

PAIRINGS = st.sampled_from(("asynchronous", "synchronous"))


def specs(draw: st.DrawFn) -> EpisodeSpec:
    return naming_spec(
        n_agents=draw(st.integers(2, 6)),
        n_names=draw(st.integers(2, 4)),
        pairing=draw(PAIRINGS),
        history_window=draw(st.integers(1, 3)),
        established=draw(st.sampled_from((None, "A", "B"))),
        seed=draw(st.integers(0, 1000)),
        rounds=12,
    )


@st.composite
def played(draw: st.DrawFn) -> tuple[EpisodeSpec, list[list[int]]]:
    """Return an episode and what its seats would say in each round; -1 cannot be read."""
    spec = specs(draw)
    option = st.integers(-1, len(spec.scenario.options) - 1)
    n = spec.parameters.n_agents
    return spec, draw(st.lists(st.lists(option, min_size=n, max_size=n), max_size=12))


@given(played(), st.data())
@settings(max_examples=60)
def test_views_and_arrays_tell_the_same(game, data) -> None:
    spec, options_RA = game
    seats = tuple(range(spec.parameters.n_agents))
    settled, memory = settle_all(spec, options_RA), EpisodeMemory(spec, seats)
    for record in settled:
        seen: Observation = observe_round(spec, record, seats)
        if data.draw(st.booleans()):  # somebody intervened: erased memories, quarantined seats
            forgotten = tuple(data.draw(st.lists(st.booleans(), min_size=len(seats), max_size=len(seats))))
            hidden = frozenset(data.draw(st.sets(st.sampled_from(seats))))
            seen = replace(seen, forgotten_S=forgotten, public=replace(seen.public, hidden=hidden))
        memory.observe([seen])
    chosen = list(seats)[::-1]
    found = windows(memory, chosen)
    for row, index in enumerate(chosen):  # the same for a seat by itself
        alone = windows(memory, [index])
        assert (alone.own_SH[0].tolist(), alone.other_SH[0].tolist()) == (
            found.own_SH[row].tolist(), found.other_SH[row].tolist(),
        )  # fmt: skip
    for row, index in enumerate(chosen):
        remembered_H = meetings(memory.seat_view(index))
        assert [one.own for one in remembered_H] == [x for x in found.own_SH[row].tolist() if x != EMPTY]
        assert [one.other for one in remembered_H] == [x for x in found.other_SH[row].tolist() if x != EMPTY]
        assert (found.own_SH[row] == EMPTY).tolist() == sorted((found.own_SH[row] == EMPTY).tolist(), reverse=True)


@given(played(), st.data())
@settings(max_examples=60)
def test_a_memory_rebuilt_from_the_log_tells_what_the_unbroken_one_does(game, data) -> None:
    """A host is told only what its seats may know, whenever it was last asked."""
    spec, options_RA = game
    n = spec.parameters.n_agents
    seats = tuple(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))))
    settled, host = settle_all(spec, options_RA), None
    for number in range(1, len(settled) + 2):
        before = settled[: number - 1]
        asked_A = ENVIRONMENT.asked(spec, number)
        assert asked_A is not None
        if not asked_A[list(seats)].any():
            continue
        unbroken = remembered(spec, before, seats)
        if host is None or data.draw(st.booleans()):  # new, or restarted
            turn = next_turn(spec, before, seats, whole=True, asked_A=asked_A)
            host = EpisodeMemory(spec, seats, known_rounds=turn.known_before)
        else:
            turn = next_turn(spec, before, seats, whole=False, asked_A=asked_A)
        assert turn.known_before <= host.known_rounds
        host.observe(turn.observations, through=number - 1)
        for index in range(len(seats)):
            assert meetings(host.seat_view(index)) == meetings(unbroken.seat_view(index))
        both = windows(host, range(len(seats))), windows(unbroken, range(len(seats)))
        assert both[0].other_SH.tolist() == both[1].other_SH.tolist()


def shown(spec: EpisodeSpec, options_RA: list[list[int]], seat: int) -> str:
    memory = remembered(spec, settle_all(spec, options_RA), range(spec.parameters.n_agents))
    return ENVIRONMENT.messages(memory.seat_view(seat))[1]["content"]


def test_an_agent_is_told_its_own_last_meetings_only() -> None:
    spec = naming_spec(n_agents=4, history_window=2, order="fixed")  # options: M is the challenger, Q the other
    options_RA = [[0, 0, 0, 0], [0, 1, 0, 1], [1, 1, 0, 1]]
    settled = settle_all(spec, options_RA)
    told = ["M", "Q"]
    lines = []
    for record, options in list(zip(settled, options_RA, strict=True))[1:]:
        partner = int(partners_of(spec, record.round)[0])
        points = "+100" if options[0] == options[partner] else "-50"
        lines.append(f"You: {told[options[0]]}, partner: {told[options[partner]]}, {points}")
    text = shown(spec, options_RA, 0)
    assert text.startswith("The meetings you remember, oldest first:\n" + "\n".join(lines) + "\nPoints in these")
    assert text.endswith(
        "The names: M, Q. Which one do you choose now? Think it through briefly, then end your reply "
        'with your choice as JSON: {"choice": "NAME"}'
    )


def test_from_scratch_it_remembers_nothing_and_a_converged_one_begins_full() -> None:
    assert shown(naming_spec(), [], 0).startswith("You remember no meeting.\n")
    spec = naming_spec(established="Q", history_window=3)
    assert shown(spec, [], 0).count("You: Q, partner: Q, +100\n") == 3
    after = shown(spec, [[0, 0, 0, 0]], 0)  # M is the challenger now, met once
    assert after.count("You: Q, partner: Q, +100\n") == 2
    assert "You: M, partner: M, +100\nPoints in these meetings: +300" in after


def test_where_no_name_could_be_read_there_was_no_meeting() -> None:
    spec = naming_spec(n_agents=2)
    (record,) = settle_all(spec, [[0, -1]])
    assert record.reward_A.tolist() == [0, 0]
    assert shown(spec, [[0, -1]], 0).startswith("You remember no meeting.")
    assert shown(spec, [[0, -1], [1, 1]], 1).count("You: ") == 1


def test_announcements_are_shown_and_remembered() -> None:
    spec = naming_spec(n_agents=2)
    memory = EpisodeMemory(spec, (0,))
    assert "\n\nAll change.\n\nThe names:" in ENVIRONMENT.messages(memory.seat_view(0, ("All change.",)))[1]["content"]
    seen = observe_round(spec, settle_all(spec, [[0, 0]])[0], (0,))
    memory.observe([replace(seen, notes=("All change.",))])
    assert "All change." in ENVIRONMENT.messages(memory.seat_view(0))[1]["content"]


def test_names_are_shuffled_by_episode_round_and_seat_or_stay_in_order() -> None:
    def names(spec: EpisodeSpec, seat: int, number: int) -> str:
        view = EpisodeMemory(spec, (seat,), known_rounds=number - 1).seat_view(0)
        text = ENVIRONMENT.messages(view)[1]["content"]
        return text.partition("The names: ")[2].partition(".")[0]

    spec = naming_spec(n_names=10, n_agents=8)
    orders = [names(spec, seat, number) for seat in range(8) for number in (1, 2)]
    assert len(set(orders)) == 16
    assert {json.dumps(sorted(order.split(", "))) for order in orders} == {json.dumps(list("ABCDEFGHIJ"))}
    assert orders == [names(spec, seat, number) for seat in range(8) for number in (1, 2)]
    fixed = naming_spec(n_names=10, n_agents=8, order="fixed", challenger="F")
    assert {names(fixed, seat, 1) for seat in range(8)} == {"A, B, C, D, E, F, G, H, I, J"}


def test_counts_of_names_met_leave_out_empty_places() -> None:
    spec = naming_spec(n_agents=2, established="M", history_window=4)
    memory = remembered(spec, settle_all(spec, [[0, 1], [0, -1]]), (0, 1))
    # A turn without a meeting takes a place in the window.
    assert windows(memory, (0, 1)).met_counts(2).tolist() == [[0, 3], [1, 2]]
    assert np.array_equal(windows(memory, (1,)).met_counts(2), [[1, 2]])
