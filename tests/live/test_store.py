"""The store without Ray: logs survive what cuts them off, keys act once, branches share the past, the tree is kept."""

from pathlib import Path

import pytest
from support import make_spec, record_round

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.errors import ConflictError, LimitError, NotFoundError, ScopeError, StorageError, UsageError
from atp_ray.live.creation import live_label, require_served
from atp_ray.live.fold import LiveFold
from atp_ray.live.interventions import read_intervention
from atp_ray.live.log import Event
from atp_ray.live.simulation import Control, Creation, Parent, Until
from atp_ray.live.store import LOG_FILE, LiveStore, Wanted
from atp_ray.paradigms.games.scenarios import game_of
from atp_ray.storage.checked_lines import encode_line, read_lines
from atp_ray.storage.record_json import record_to_json

PROFILES = {name: resolve_checkpoint(name) for name in ("policy:quantal", "policy:collude", "policy:refrain", "tiny")}
ALL, HALF = [1] * 8, [1] * 4 + [0] * 4


def opened(folder: Path, most: int = 100) -> LiveStore:
    return LiveStore(folder, PROFILES, most)


def begin(store: LiveStore, parent: Parent | None = None, key: str | None = None, **fields) -> str:
    creation = Creation(name="x", episode=make_spec(rounds=6, **fields), parent=parent)
    (made,) = store.create([Wanted(creation, key=key)], "me")
    return made


def change(store: LiveStore, simulation_id: str, key: str | None = None, author: str = "me", **intervention) -> Event:
    return store.intervene(simulation_id, read_intervention(intervention), author, key)


def play(store: LiveStore, simulation_id: str, *rounds: list[int]) -> None:
    for actions in rounds:
        state = store.live.simulation(simulation_id).state
        record = record_round(state.spec, state.records, actions)
        store.append(simulation_id, "round", record_to_json(record), "service")


def control(store: LiveStore, simulation_id: str, command: str, **until) -> None:
    data = Control(command=command, until=Until(**until)).model_dump(mode="json")
    store.append(simulation_id, "control", data, "me")


def actions(store: LiveStore, simulation_id: str) -> list[list[int]]:
    return [record.decisions.action_A.tolist() for record in store.live.simulation(simulation_id).state.records]


def test_everything_is_as_it_was_after_a_restart(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, ALL, HALF)
    change(store, one, kind="quarantine", seats=[1])
    control(store, one, "run", rate_above=0.9)
    two = begin(store, Parent(simulation_id=one, round=1, seed=7))
    again = opened(tmp_path)
    assert again.live.ids == store.live.ids
    for simulation_id in (one, two):
        before, after = store.live.simulation(simulation_id), again.live.simulation(simulation_id)
        assert (after.status, after.until, after.creation) == (before.status, before.until, before.creation)
        assert after.state.specs == before.state.specs
        assert after.state.hidden == before.state.hidden
        assert actions(again, simulation_id) == actions(store, simulation_id)


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_line_that_was_cut_off_is_dropped_and_written_anew(tmp_path: Path, cut: int) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, ALL, HALF)
    path = tmp_path / one / LOG_FILE
    path.write_bytes(path.read_bytes()[:-cut])
    again = opened(tmp_path)
    assert actions(again, one) == [ALL]
    play(again, one, HALF)
    assert actions(opened(tmp_path), one) == [ALL, HALF]


def test_damage_in_the_middle_is_said_and_not_skipped(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, ALL, HALF)
    path = tmp_path / one / LOG_FILE
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises(StorageError, match="is damaged at byte 0"):
        opened(tmp_path)


def test_a_key_acts_once_even_after_a_restart(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store, key="a")
    assert begin(store, key="a") == one
    first = change(store, one, kind="quarantine", seats=[1], key="b")
    again = opened(tmp_path)
    assert begin(again, key="a") == one
    assert change(again, one, kind="quarantine", seats=[1], key="b").seq == first.seq
    assert again.live.simulation(one).state.hidden == {1: 1}
    with pytest.raises(ConflictError, match="key 'b' was used for another call"):
        change(again, one, kind="quarantine", seats=[2], key="b")


def test_a_branch_shares_the_past_up_to_its_round_and_not_what_was_changed_later(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, ALL)
    change(store, one, kind="fix_seats", seats=[0], action="refrain")
    play(store, one, HALF)
    early, late = (begin(store, Parent(simulation_id=one, round=number)) for number in (1, 2))
    assert actions(store, early) == [ALL]
    assert store.live.simulation(early).state.spec.seat_groups[0].checkpoint == "policy:quantal"
    assert actions(store, late) == [ALL, HALF]
    assert store.live.simulation(late).state.spec.seat_groups[0].checkpoint == "policy:refrain"
    # Not copied: the branch's own log holds nothing but its beginning.
    assert len(store.live.events(late)) == 1
    # A branch of a branch, leaving within the shared past.
    twig = begin(store, Parent(simulation_id=late, round=1))
    assert actions(store, twig) == [ALL]
    root = begin(store, Parent(simulation_id=late, round=0, seed=3))
    assert actions(store, root) == []
    assert store.live.simulation(root).state.spec.seed == 3
    play(store, early, HALF)
    assert actions(store, one) == [ALL, HALF]
    assert list(store.live.children(one)) == [early, late]
    with pytest.raises(ConflictError, match="round 5 is not settled yet"):
        begin(store, Parent(simulation_id=one, round=5))
    with pytest.raises(NotFoundError):
        begin(store, Parent(simulation_id="0" * 12, round=0))


def test_what_others_stand_on_or_what_runs_is_not_deleted(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    two = begin(store, Parent(simulation_id=one, round=0))
    with pytest.raises(ConflictError, match="1 branches share its past"):
        store.delete(one)
    control(store, two, "run")
    with pytest.raises(ConflictError, match="it is running"):
        store.delete(two)
    control(store, two, "cancel")
    store.delete(two)
    store.delete(one)
    assert opened(tmp_path).live.ids == []


def test_there_is_a_limit_and_a_scope(tmp_path: Path) -> None:
    store = opened(tmp_path, most=1)
    one = begin(store, seats=[{"checkpoint": "tiny", "count": 8}])
    with pytest.raises(LimitError, match="there may be 1 simulations and there are 1"):
        begin(store)
    with pytest.raises(ScopeError, match="was not trained on announcements"):
        change(store, one, kind="broadcast", text="hello")
    assert len(store.live.events(one)) == 1


def test_a_simulation_pauses_by_itself_and_ends(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    control(store, one, "run", round=2)
    play(store, one, HALF)
    assert store.live.simulation(one).status == "running"
    play(store, one, HALF)
    assert store.live.simulation(one).status == "paused"
    control(store, one, "run", rate_above=0.9)
    play(store, one, HALF, ALL)
    assert store.live.simulation(one).status == "paused"
    control(store, one, "step")
    play(store, one, HALF)
    assert store.live.simulation(one).status == "paused"
    control(store, one, "run")
    play(store, one, HALF)
    assert store.live.simulation(one).status == "finished"


def test_a_reader_that_folds_the_events_sees_the_same(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, ALL)
    two = begin(store, Parent(simulation_id=one, round=1))
    change(store, two, kind="erase_memory", seats=[1])
    play(store, two, HALF)
    reader = LiveFold()
    for simulation_id in (one, two):
        for event in store.live.events(simulation_id):
            reader.add(simulation_id, event)
    assert reader.simulation(two).state.forgot == {1: 1}
    assert [record.decisions.action_A.tolist() for record in reader.simulation(two).state.records] == [ALL, HALF]


def test_the_feed_tells_everything_in_order_and_anew_after_a_restart(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, ALL)
    two = begin(store, Parent(simulation_id=one, round=1))
    whole = store.feed("", 0, 100)
    assert [(name, event.seq) for name, event in whole.changes] == [(one, 1), (one, 2), (two, 1)]
    store.delete(two)
    later = store.feed(whole.epoch, len(whole.changes), 100)
    assert (later.start, list(later.changes)) == (3, [(two, None)])
    again = opened(tmp_path).feed(whole.epoch, 3, 2)
    assert (again.start, [(name, event.seq) for name, event in again.changes]) == (0, [(one, 1), (one, 2)])
    assert again.epoch != whole.epoch


def test_a_branch_is_there_with_all_its_interventions_or_not_at_all(tmp_path: Path) -> None:
    store = opened(tmp_path)
    fix = read_intervention({"kind": "fix_seats", "seats": [0], "action": "refrain"})
    hide = read_intervention({"kind": "quarantine", "seats": [99]})
    creation = Creation(name="x", episode=make_spec())
    with pytest.raises(UsageError, match="there is no seat 99"):
        store.create([Wanted(creation, (fix,)), Wanted(creation, (fix, hide))], "me")
    assert not list(tmp_path.iterdir())
    wanted = [Wanted(creation, (fix,), "key")]
    (one,) = store.create(wanted, "me")
    assert store.create(wanted, "me") == [one]
    with pytest.raises(ConflictError, match="key 'key' was used for another call"):
        store.create([Wanted(creation, (), "key"), Wanted(creation, (), "other")], "me")
    (tmp_path / one).rename(tmp_path / f".partial-{one}")  # killed before it was whole
    again = opened(tmp_path)
    assert not again.live.ids
    assert not list(tmp_path.iterdir())
    assert again.create(wanted, "me") != [one]
    assert [event.kind for event in again.live.events(again.live.ids[0])] == ["created", "intervention"]


def test_many_are_made_or_none(tmp_path: Path) -> None:
    store = opened(tmp_path, most=3)
    creation = Creation(name="x", episode=make_spec())
    with pytest.raises(LimitError, match="there may be 3 simulations and there are 0"):
        store.create([Wanted(creation)] * 4, "me")
    assert not store.live.ids
    assert len(store.create([Wanted(creation)] * 3, "me")) == 3


def test_a_branch_at_the_end_has_nothing_left_to_play(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, *[HALF] * 6)
    assert store.live.simulation(begin(store, Parent(simulation_id=one, round=6))).status == "finished"


def test_running_until_a_round_that_is_settled_plays_none(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, HALF, HALF)
    control(store, one, "run", round=2)
    assert store.live.simulation(one).status == "paused"
    control(store, one, "run", round=3)
    assert store.live.simulation(one).status == "running"


def test_what_a_monitor_did_about_a_round_belongs_to_it(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    play(store, one, ALL)
    change(store, one, kind="change_numbers", threshold=7, author="monitor 0")
    change(store, one, kind="change_numbers", threshold=6)
    play(store, one, ALL)
    branches = [begin(store, Parent(simulation_id=one, round=number)) for number in (0, 1, 2)]
    thresholds = [game_of(store.live.simulation(branch).state.spec).numbers.threshold for branch in branches]
    assert thresholds == [4, 7, 6]


@pytest.mark.slow
def test_branches_of_branches_of_branches_cost_no_more_than_others(tmp_path: Path) -> None:
    store = opened(tmp_path, most=2000)
    found = begin(store)
    play(store, found, *[HALF] * 5)
    first = store.live.simulation(found).state
    # Deeper than Python's stack, and each leaving where its parent did or earlier.
    for depth in range(1200):
        found = begin(store, Parent(simulation_id=found, round=5 if depth < 1100 else 4 if depth < 1150 else 3))
    deepest = opened(tmp_path, most=2000).live.simulation(found).state
    assert len(deepest.records) == 3
    # The past is one and the same, not a copy of it.
    assert store.live.simulation(found).state.records[0] is first.records[0]


def test_a_branch_is_found_again_though_the_clock_was_set_back(tmp_path: Path) -> None:
    store = opened(tmp_path)
    line = [begin(store)]
    for _ in range(3):
        line.append(begin(store, Parent(simulation_id=line[-1], round=0)))
    for number, simulation_id in enumerate(line):
        log = tmp_path / simulation_id / LOG_FILE
        (first,) = (data for data, _ in read_lines(log.read_bytes(), log, ""))
        log.write_bytes(encode_line(first | {"time": f"2026-01-0{4 - number}T00:00:00.000+00:00"}))
    again = opened(tmp_path).live
    assert again.ids == line


def test_the_past_is_the_same_whatever_is_served_now(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    change(store, one, kind="swap_checkpoint", seats=[0], checkpoint="tiny")
    before = store.live.simulation(one).state
    policies = {name: profile for name, profile in PROFILES.items() if name != "tiny"}
    again = LiveStore(tmp_path, policies, 100).live.simulation(one).state
    assert again.specs == before.specs
    with pytest.raises(ConflictError, match="Start the service with --checkpoint tiny"):
        require_served(again.spec, policies, 8)
    with pytest.raises(ConflictError, match="Start the service with --agents 8"):
        require_served(again.spec, PROFILES, 7)
    assert "small embedded test checkpoint" in live_label([again], PROFILES)
    assert "tiny is not served now" in live_label([again], policies)


def test_labels_tell_of_everybody_who_has_played(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store, seats=[{"checkpoint": "tiny", "count": 8}])
    play(store, one, HALF)
    change(store, one, kind="fix_seats", seats=list(range(8)), action="refrain")
    label = live_label([store.live.simulation(one).state], PROFILES)
    assert "small embedded test checkpoint" in label
    assert "policy:* is no language model" in label


def test_the_small_checkpoint_takes_no_seat_where_announcements_were_made(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = begin(store)
    change(store, one, kind="broadcast", text="hello")
    with pytest.raises(ScopeError, match="was not trained on announcements"):
        change(store, one, kind="swap_checkpoint", seats=[0], checkpoint="tiny")
