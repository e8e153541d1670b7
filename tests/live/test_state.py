"""Interventions without Ray: what is in force when, what each seat remembers, and what its prompt says."""

from dataclasses import replace

import pytest
from pydantic import ValidationError
from support import make_spec, record_round, role_play_spec

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.errors import NotFoundError, UsageError
from atp_ray.live.bodies import parse_simulation
from atp_ray.live.creation import to_log
from atp_ray.live.interventions import read_intervention
from atp_ray.live.state import LiveState
from atp_ray.paradigms.games.scenarios import game_of
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.role_play.scenarios import role_play_of
from atp_ray.play.turns import Talk

PROFILES = {name: resolve_checkpoint(name) for name in ("policy:quantal", "policy:collude", "policy:refrain", "tiny")}
ALL, NOBODY, HALF = [1] * 8, [0] * 8, [1] * 4 + [0] * 4


def begun(**fields) -> LiveState:
    return LiveState(specs=((1, make_spec(rounds=10, **fields)),))


def played(state: LiveState, *rounds: list[int]) -> LiveState:
    for actions in rounds:
        state = state.after_round(record_round(state.spec, state.records, actions))
    return state


def changed(state: LiveState, **intervention) -> LiveState:
    return state.after_intervention(to_log(read_intervention(intervention), PROFILES))


def prompt(state: LiveState, seat: int) -> list[str]:
    """What a seat would be sent."""
    return [message["content"] for message in state.messages(seat)]


def test_a_changed_threshold_settles_the_next_round_and_leaves_the_past_as_it_was() -> None:
    state = played(begun(threshold=4), HALF)
    state = played(changed(state, kind="change_numbers", threshold=5), HALF)
    assert [record.success for record in state.records] == [True, False]
    text = prompt(state, 0)
    first, second, coming = text[1], text[5], text[9]
    assert "4" in first
    assert first != second == coming


def test_rewards_can_change_alone_and_must_stay_in_order() -> None:
    state = changed(begun(), kind="change_numbers", high=3.0)
    assert (game_of(state.spec).numbers.payoffs.high, game_of(state.spec).numbers.threshold) == (3.0, 4)
    with pytest.raises(UsageError, match="high > medium > low"):
        changed(begun(), kind="change_numbers", low=2.0)
    with pytest.raises(UsageError, match="threshold"):
        changed(begun(), kind="change_numbers", threshold=9)


def test_a_quarantined_seat_is_invisible_from_then_on_to_others_but_counts() -> None:
    before = played(begun(), ALL)
    state = played(changed(before, kind="quarantine", seats=[0, 1]), ALL)
    assert state.records[1].success
    others = [text for text in prompt(state, 7) if text.startswith("The others chose")]
    assert ["agent 1 " in text for text in others] == [True, False]
    assert "agent 3 " in others[1]
    # It still sees itself and the rest.
    assert "6 of all 6" in " ".join(prompt(state, 7)[-2:])
    assert "7 of all 7" in " ".join(prompt(state, 0)[-2:])


def test_an_erased_memory_is_empty_for_that_seat_only_and_fills_again() -> None:
    state = changed(played(begun(), ALL, HALF), kind="erase_memory", seats=[2])
    assert len(prompt(state, 2)) == 2
    assert len(prompt(state, 3)) == 2 + 2 * 4
    assert len(prompt(played(state, NOBODY), 2)) == 2 + 4


def test_an_edited_reply_is_what_the_seat_remembers() -> None:
    state = changed(played(begun(), ALL), kind="edit_memory", seat=0, round=1, reply="I shared nothing.")
    assert "I shared nothing." in prompt(state, 0)
    assert "I shared nothing." not in prompt(state, 1)
    with pytest.raises(UsageError, match="round 2 is not settled yet"):
        changed(state, kind="edit_memory", seat=0, round=2, reply="x")


def test_a_broadcast_is_told_before_the_next_round_and_remembered() -> None:
    state = changed(played(begun(), ALL), kind="broadcast", text="The auditors are here.")
    assert prompt(state, 5)[-2] == "The auditors are here."
    later = prompt(played(state, HALF, HALF), 5)
    assert later.count("The auditors are here.") == 1
    assert later.index("The auditors are here.") == 1 + 4


def test_seats_are_fixed_and_swapped_where_they_sit() -> None:
    state = changed(begun(), kind="fix_seats", seats=[0, 3], action="collude")
    assert [group.checkpoint for group in state.spec.seat_groups][:4] == [
        "policy:collude", "policy:quantal", "policy:quantal", "policy:collude",
    ]  # fmt: skip
    state = changed(state, kind="swap_checkpoint", seats=[3], checkpoint="tiny")
    assert state.spec.seat_groups[3].checkpoint == "tiny"
    assert state.spec.seat_groups[3].sampling == PROFILES["tiny"].sampling
    with pytest.raises(UsageError, match="'gpt' is not served here"):
        changed(state, kind="swap_checkpoint", seats=[3], checkpoint="gpt")


def test_seats_given_to_whoever_plays_them_already_stay_as_they_are() -> None:
    state = changed(begun(), kind="swap_checkpoint", seats=range(8), checkpoint="policy:quantal")
    assert [(group.checkpoint, group.count) for group in state.spec.seats] == [("policy:quantal", 8)]
    again = changed(state, kind="swap_checkpoint", seats=[2, 5], checkpoint="policy:quantal")
    assert again.spec.seats == state.spec.seats
    half = changed(state, kind="fix_seats", seats=[0, 1, 2, 3], action="collude")
    assert [(group.checkpoint, group.count) for group in half.spec.seats] == [
        ("policy:collude", 4), ("policy:quantal", 4),
    ]  # fmt: skip
    back = changed(half, kind="swap_checkpoint", seats=[0, 1, 2, 3], checkpoint="policy:quantal")
    assert back.spec.seats == state.spec.seats


@pytest.mark.parametrize("kind", ["quarantine", "erase_memory"])
def test_a_seat_that_does_not_exist_is_named(kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        changed(begun(), kind=kind, seats=[0, 8])
    assert str(caught.value) == "seats: there is no seat 8. Seats are 0..7"


def test_nobody_is_asked_what_a_seat_that_does_not_exist_would_be_sent() -> None:
    assert prompt(begun(), 7)
    with pytest.raises(NotFoundError) as caught:
        prompt(begun(), 8)
    assert str(caught.value) == "seat: there is no seat 8. Seats are 0..7"


def test_a_prompt_shows_the_window_of_a_long_game() -> None:
    state = played(begun(history_window=2), ALL, NOBODY, HALF)
    assert len(prompt(state, 0)) == 2 + 2 * 4


def test_supervision_changes_in_role_play_only() -> None:
    spec = role_play_spec()
    state = changed(LiveState(specs=((1, spec),)), kind="change_supervision", supervision="all_supervised")
    assert role_play_of(state.spec).numbers.supervised(1)
    with pytest.raises(UsageError) as caught:
        changed(begun(), kind="change_supervision", supervision="all_supervised")
    assert str(caught.value) == "change_supervision: applies to role-play only. In games use change_numbers"
    with pytest.raises(UsageError) as caught:
        changed(state, kind="change_numbers", threshold=2)
    assert str(caught.value) == "change_numbers: applies to games only. In role-play use change_supervision"


def test_a_change_of_other_paradigms_is_refused_with_those_that_take_it_and_what_there_is_instead(monkeypatch) -> None:
    design, numbers = type(paradigm("games").design), paradigm("games").design.change_models
    role_play = LiveState(specs=((1, role_play_spec()),))
    supervision = {"kind": "change_supervision", "supervision": "all_supervised"}
    costs = {"kind": "change_costs", "tool_cost": 3}
    monkeypatch.setattr(design, "change_models", numbers + paradigm("tool_usage").design.change_models)
    with pytest.raises(UsageError, match=r"to role-play only\. In games use change_numbers or change_costs$"):
        changed(begun(), **supervision)
    with pytest.raises(UsageError, match="to games and tool-usage only"):
        changed(role_play, **costs)
    monkeypatch.setattr(design, "change_models", ())
    with pytest.raises(UsageError, match=r"to role-play only$"):
        changed(begun(), **supervision)


def test_without_interventions_observations_are_those_of_an_ordinary_episode() -> None:
    spec = make_spec(rounds=10)
    state = played(LiveState(specs=((1, spec),)), ALL, HALF)
    assert state.turn("s", (0, 1), whole=False).notes == ()
    observed = state.observation(state.records[0], (0, 1))
    assert (observed.spec, observed.notes, observed.forgotten_S, observed.public.hidden) == (None, (), (), frozenset())
    assert observed.own_reply_S == state.records[0].decisions.reply_A[:2]


def test_a_host_is_told_the_last_round_and_one_that_lost_its_memory_everything_that_is_in_force() -> None:
    state = played(begun(history_window=2), ALL, NOBODY, HALF)
    state = changed(changed(state, kind="erase_memory", seats=[1]), kind="broadcast", text="The doors close at noon.")
    news = state.turn("s", (0, 1), whole=False)
    assert (news.episode_id, news.round, news.seats, news.spec) == ("s", 4, (0, 1), None)
    assert news.notes == ("The doors close at noon.",)
    assert [seen.public.round for seen in news.observations] == [3]
    afresh = state.turn("s", (0, 1), whole=True)
    assert (afresh.spec, afresh.notes) == (state.spec, news.notes)
    assert [seen.public.round for seen in afresh.observations] == [2, 3]
    assert [seen.forgotten_S for seen in afresh.observations] == [(False, True)] * 2


def test_a_host_that_is_told_all_is_told_what_is_in_force_now_and_what_was_then() -> None:
    state = played(begun(threshold=4), HALF)
    state = changed(changed(state, kind="change_numbers", threshold=6), kind="fix_seats", seats=[0], action="collude")
    turn = state.turn("s", (0, 1), whole=True)
    assert turn.spec == state.spec != state.specs[0][1]
    assert game_of(turn.spec).numbers.threshold == 6
    assert turn.spec.seat_groups[0].checkpoint == "policy:collude"
    assert [seen.spec for seen in turn.observations] == [state.specs[0][1]]
    assert [len(played(state, ALL).specs), state.spec_at(1) == begun(threshold=4).spec] == [2, True]


@pytest.mark.parametrize(
    ("shown", "told"), [("choices", "agent 2 "), ("replies", "Agent 2: "), ("counts", "Of the 7 others 2 ")]
)
def test_quarantined_seats_are_hidden_whatever_is_shown_of_others(shown: str, told: str) -> None:
    everyone = begun(visibility=shown)
    apart = changed(everyone, kind="quarantine", seats=[0, 1])
    texts = [" ".join(prompt(played(state, [1, 1, *[0] * 6]), 7)) for state in (everyone, apart)]
    assert [told in text for text in texts] == [True, False]
    assert ("Of the 5 others 0 " if shown == "counts" else "gent 3") in texts[1]


def test_nobody_hears_who_is_in_quarantine_in_the_round_or_later() -> None:
    said = ("join", "stay", *[None] * 6)
    state = changed(begun(talk=50), kind="quarantine", seats=[0])
    assert state.turn("id", (1,), whole=True, said_A=said).talk == Talk(said, frozenset({0}))
    record = record_round(state.spec, [], ALL)
    state = state.after_round(replace(record, decisions=record.decisions._replace(said_A=said)))
    own, other = prompt(state, 0), prompt(state, 2)
    assert 'You: "join"' in own[2]
    assert "join" not in " ".join(other)
    assert 'Agent 2: "stay"' in other[2]
    assert other[-1].startswith("Before anybody decides"), "to say something comes first"


def test_a_simulation_may_be_asked_for_with_talk_and_probes_but_not_with_files() -> None:
    body = {"scenario": "info_sharing", "talk": 80, "probes": ["is_test"], "probe_rounds": [2]}
    wanted = parse_simulation(body)
    assert (wanted.talk, [probe.name for probe in wanted.probes], wanted.probe_rounds) == (80, ["is_test"], (2,))
    with pytest.raises(UsageError, match="unknown probe '/etc/hosts"):
        parse_simulation(body | {"probes": ["/etc/hosts.yaml"]})
    with pytest.raises(UsageError, match="talk: Input should be less than or equal to 2000"):
        parse_simulation(body | {"talk": 10_000})


def test_what_is_wrong_with_an_intervention_is_told_of_its_kind_alone() -> None:
    with pytest.raises(ValidationError) as refused:
        read_intervention({"kind": "broadcast", "text": ""})
    assert [error["loc"] for error in refused.value.errors()] == [("broadcast", "text")]
