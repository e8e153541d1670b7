"""Simulations folded from their events: when nothing more will happen to one, what is dropped, what cannot be read."""

from __future__ import annotations

import pytest
from support import make_spec, record_round

from atp_ray.errors import ConflictError, NotFoundError, StorageError, UsageError
from atp_ray.live.fold import LiveFold
from atp_ray.live.log import Event
from atp_ray.live.monitors import FirstSuccess
from atp_ray.live.simulation import Control, Creation, Parent
from atp_ray.storage.record_json import record_to_json

TELLING = FirstSuccess(kind="first_success", webhook="ops")
SILENT = FirstSuccess(kind="first_success")
TIP = {"kind": "first_success", "round": 1, "action": "notify"}


class Told:
    """A fold that is told one event after the other."""

    def __init__(self, *monitors: FirstSuccess) -> None:
        self.fold, self._n, self._monitors = LiveFold(), 0, monitors

    def tell(self, name: str, kind, data: dict, author: str = "me") -> None:
        self._n += 1
        self.fold.add(name, Event(self._n, kind, "", author, None, data))

    def create(self, name: str, parent: Parent | None = None, rounds: int = 1) -> None:
        creation = Creation(name=name, episode=make_spec(rounds=rounds), monitors=self._monitors, parent=parent)
        self.tell(name, "created", creation.model_dump(mode="json"))

    def play(self, name: str) -> None:
        state = self.fold.simulation(name).state
        self.tell(name, "round", record_to_json(record_round(state.spec, state.records, [1] * 8)), "service")

    def command(self, name: str, command, **more) -> None:
        self.tell(name, "control", Control(command=command, **more).model_dump(mode="json"))


def test_it_is_over_when_it_has_ended_and_every_webhook_was_told() -> None:
    told = Told(SILENT, TELLING, TELLING)
    assert told.fold.is_over("a")  # there is none
    told.create("a")
    assert not told.fold.is_over("a")
    told.play("a")
    assert told.fold.simulation("a").status == "finished"
    assert told.fold.is_over("a")  # no monitor has fired
    told.tell("a", "tip", {"monitor": 0, **TIP})
    assert told.fold.is_over("a")  # that one tells nobody
    told.tell("a", "tip", {"monitor": 1, **TIP})
    told.tell("a", "tip", {"monitor": 2, **TIP})
    assert not told.fold.is_over("a")
    told.tell("a", "action", {"monitor": 1, "what": "change_numbers", "outcome": "refused"})
    told.tell("a", "action", {"monitor": 1, "what": "webhook ops", "outcome": "delivered"})
    assert not told.fold.is_over("a")
    told.tell("a", "action", {"monitor": 2, "what": "webhook ops", "outcome": "not delivered"})
    assert told.fold.is_over("a")


@pytest.mark.parametrize(("command", "over"), [("run", False), ("pause", False), ("fail", False), ("cancel", True)])
def test_what_was_stopped_may_go_on_and_what_was_cancelled_not(command, over: bool) -> None:
    told = Told()
    told.create("a")
    told.command("a", command)
    assert told.fold.is_over("a") is over


def test_a_command_leads_to_its_status() -> None:
    told = Told()
    told.create("a", rounds=3)
    for command, more, status, until, reason in (
        ("run", {"until": {"round": 2}}, "running", 2, None),
        ("pause", {}, "paused", None, None),
        ("step", {}, "running", 1, None),
        ("fail", {"reason": "full"}, "failed", 1, "full"),
        ("run", {}, "running", None, None),
        ("cancel", {}, "cancelled", None, None),
    ):
        told.command("a", command, **more)
        found = told.fold.simulation("a")
        assert (found.status, found.until.round, found.reason) == (status, until, reason)


def test_a_monitor_that_is_to_pause_pauses_what_runs_and_one_that_only_tells_does_not() -> None:
    told = Told(SILENT)
    told.create("a", rounds=3)
    assert told.fold.simulation("a").status == "paused"
    told.command("a", "run")
    told.tell("a", "tip", {"monitor": 0, **TIP})
    assert told.fold.simulation("a").status == "running"
    told.tell("a", "action", {"monitor": 0, "what": "webhook ops", "outcome": "delivered", "action": "pause"})
    assert told.fold.simulation("a").status == "running"
    told.tell("a", "tip", {"monitor": 0, **TIP, "action": "pause"})
    assert told.fold.simulation("a").status == "paused"
    told.command("a", "cancel")
    told.tell("a", "tip", {"monitor": 0, **TIP, "action": "pause"})
    assert told.fold.simulation("a").status == "cancelled"


def test_an_unknown_command_is_refused() -> None:
    told = Told()
    told.create("a")
    with pytest.raises(UsageError, match=r"^control: command: Input should be 'run', "):
        told.tell("a", "control", {"command": "jump"})


def test_what_a_monitor_does_about_a_round_is_in_force_where_a_branch_leaves_after_it() -> None:
    told = Told(SILENT)
    told.create("a", rounds=9)
    for seat in range(3):
        told.play("a")
        told.tell("a", "intervention", {"kind": "quarantine", "seats": [seat]}, "monitor 0")
    for number, hidden in enumerate(([], [0], [0, 1], [0, 1, 2])):
        told.create(f"b{number}", Parent(simulation_id="a", round=number))
        assert sorted(told.fold.simulation(f"b{number}").state.hidden) == hidden


def test_a_branch_leaves_at_a_settled_round() -> None:
    told = Told()
    told.create("a", rounds=3)
    told.play("a")
    told.create("b", Parent(simulation_id="a", round=1))
    assert told.fold.simulation("b").status == "paused"
    with pytest.raises(ConflictError) as caught:
        told.create("c", Parent(simulation_id="a", round=2))
    assert str(caught.value) == "round: round 2 is not settled yet. Fork at a settled round, or 0"


def test_a_dropped_branch_is_no_child_and_what_is_not_known_is_said() -> None:
    told = Told()
    told.create("a", rounds=3)
    for name in ("b", "c"):
        told.create(name, Parent(simulation_id="a", round=0))
    assert (told.fold.ids, told.fold.children("a"), "b" in told.fold) == (["a", "b", "c"], ("b", "c"), True)
    told.fold.drop("b")
    told.fold.drop("b")  # no more
    assert (told.fold.ids, told.fold.children("a"), "b" in told.fold) == (["a", "c"], ("c",), False)
    told.fold.drop("c")
    told.fold.drop("a")
    assert told.fold.ids == []
    for asked in (told.fold.simulation, told.fold.events, told.fold.children):
        with pytest.raises(NotFoundError) as caught:
            asked("a")
        assert str(caught.value) == "a: there is no such simulation"


def test_a_branch_within_the_parents_past_has_what_was_in_force_then() -> None:
    told = Told()
    told.create("a", rounds=9)
    told.play("a")
    told.play("a")
    told.tell("a", "intervention", {"kind": "quarantine", "seats": [3]})
    told.play("a")
    told.create("b", Parent(simulation_id="a", round=3))
    told.tell("b", "intervention", {"kind": "quarantine", "seats": [4]})
    told.play("b")
    for number, hidden in ((0, {}), (2, {}), (3, {3: 3}), (4, {3: 3, 4: 4})):
        told.create(f"c{number}", Parent(simulation_id="b", round=number))
        state = told.fold.simulation(f"c{number}").state
        assert (state.hidden, len(state.records), len(state.marks)) == (hidden, number, number)
    told.create("d", Parent(simulation_id="b", round=2, seed=77))
    assert (told.fold.simulation("d").state.spec.seed, told.fold.simulation("c2").state.spec.seed) == (77, 0)


def test_what_was_made_with_something_that_is_not_here_is_one_line() -> None:
    told = Told()
    creation = Creation(name="mine", episode=make_spec()).model_dump(mode="json")
    creation["episode"]["parameters"]["threshold"] = 9
    hint = "Start the service with the paradigm it needs, or move its folder away"
    for data, text in (
        (creation, "mine: a simulation cannot be read: threshold 9 exceeds n_agents 8; success would be impossible"),
        ({}, "a simulation cannot be read: Field required"),
    ):
        with pytest.raises(StorageError) as caught:
            told.tell("a", "created", data)
        assert str(caught.value) == f"{text}. {hint}"
