"""What fired monitors do, without Ray: once, in their round, and not again in a branch."""

import pytest
from support import happens, make_spec, record_round

from actors.monitor_actions import MonitorActions
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.errors import UsageError
from atp_ray.live.interventions import FixSeats
from atp_ray.live.monitors import RateAbove
from atp_ray.live.simulation import Creation, Parent
from atp_ray.live.store import LiveStore, Wanted
from atp_ray.storage.record_json import record_to_json

PROFILES = {name: resolve_checkpoint(name) for name in ("policy:quantal", "policy:collude", "policy:refrain")}
REFRAIN = FixSeats(kind="fix_seats", seats=(0,), action="refrain")
ALL, NOBODY = [1] * 8, [0] * 8


class Watched:
    """A store with one simulation and its monitors."""

    def __init__(self, folder, *monitors, webhooks=None) -> None:
        self.store = LiveStore(folder, PROFILES, 100)
        self.changed: list[str] = []
        self.monitors = monitors
        self.actions = MonitorActions(self.store, webhooks or {}, self.changed.append, self._announce)
        self.id = self.begin()

    async def _announce(self) -> None:
        pass

    def begin(self, parent: Parent | None = None) -> str:
        creation = Creation(name="x", episode=make_spec(rounds=9), parent=parent, monitors=self.monitors)
        return self.store.create([Wanted(creation)], "me")[0]

    def play(self, actions, simulation_id=None) -> None:
        simulation_id = simulation_id or self.id
        state = self.store.live.simulation(simulation_id).state
        self.store.append(simulation_id, "round", record_to_json(record_round(state.spec, state.records, actions)), "s")
        self.actions.watch(simulation_id)

    def told(self, simulation_id=None) -> list[tuple]:
        events = self.store.live.events(simulation_id or self.id)
        return [(event.kind, event.data.get("round")) for event in events if event.kind not in ("created", "round")]


def test_a_monitor_speaks_once_in_the_round_it_fires_and_changes_the_next(tmp_path) -> None:
    one = Watched(tmp_path, RateAbove(kind="rate_above", rate=0.5, interventions=(REFRAIN,)))
    one.play(NOBODY)
    assert one.told() == []
    for _ in range(3):
        one.play(ALL)
        one.actions.watch(one.id)
    assert one.told() == [("tip", 2), ("intervention", None)]
    assert one.changed == [one.id]
    state = one.store.live.simulation(one.id).state
    assert [group.checkpoint for group in state.spec_at(3).seat_groups][:2] == ["policy:refrain", "policy:quantal"]
    assert state.spec_at(2).seat_groups[0].checkpoint == "policy:quantal"


def test_a_branch_does_not_tell_again_what_its_parent_told_and_tells_what_is_new(tmp_path) -> None:
    one = Watched(tmp_path, RateAbove(kind="rate_above", rate=0.5), RateAbove(kind="rate_above", rate=0.9))
    five = [1] * 5 + [0] * 3
    one.play(five)
    assert one.told() == [("tip", 1)]
    branch = one.begin(Parent(simulation_id=one.id, round=1))
    one.actions.watch(branch)
    assert one.told(branch) == []
    one.play(ALL, branch)
    assert one.told(branch) == [("tip", 2)]
    early = one.begin(Parent(simulation_id=one.id, round=0))
    one.play(ALL, early)
    assert one.told(early) == [("tip", 1), ("tip", 1)]


def test_what_was_cut_off_between_alert_and_change_is_done_after_a_restart_and_once(tmp_path) -> None:
    one = Watched(tmp_path, RateAbove(kind="rate_above", rate=0.5, interventions=(REFRAIN, REFRAIN)))
    state = one.store.live.simulation(one.id).state
    one.store.append(one.id, "round", record_to_json(record_round(state.spec, [], ALL)), "s")
    data = {"monitor": 0, "kind": "rate_above", "round": 1, "action": "notify"}
    one.store.append(one.id, "tip", data, "service")
    one.actions.watch(one.id)
    one.actions.watch(one.id)
    assert one.told() == [("tip", 1), ("intervention", None), ("intervention", None)]


async def test_a_webhook_that_does_not_answer_is_told_of_in_one_line_and_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("actors.webhooks.TRIES", 1)
    monitor = RateAbove(kind="rate_above", rate=0.5, webhook="ops")
    one = Watched(tmp_path, monitor, webhooks={"ops": "http://127.0.0.1:9/tips"})
    one.play(ALL)
    one.actions.watch(one.id)
    await happens(lambda: len(one.told()) >= 2, "the webhook to be told of")
    (action,) = [event.data for event in one.store.live.events(one.id) if event.kind == "action"]
    assert action == {"monitor": 0, "what": "webhook ops", "outcome": "not delivered: ConnectError"}
    one.play(ALL)
    assert one.told() == [("tip", 1), ("action", None)]


def test_a_webhook_there_is_none_of_is_refused(tmp_path) -> None:
    one = Watched(tmp_path)
    with pytest.raises(UsageError, match="has no webhook 'opps'"):
        one.actions.check([RateAbove(kind="rate_above", rate=0.5, webhook="opps")])
