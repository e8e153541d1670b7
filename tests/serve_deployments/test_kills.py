"""SIGKILL of every part during a run and during a fork: logs stay whole, and what follows is as if undisturbed."""

import threading

import pytest
from live_service import CONTROL_TOKEN, PATIENT_PROXY, LiveService, wait_until_over
from support import PATIENCE_S, wait_until

from atp_ray.client import Client
from atp_ray.live.schemas import EventView

SEATS, ROUNDS = 8, 40
# A monitor that intervenes is disturbed too: it must act once, and in the same round.
RAISE = {"kind": "first_success", "interventions": [{"kind": "change_numbers", "threshold": 3}]}
GAME = {"scenario": "public_fund", "n_agents": SEATS, "threshold": 2, "rounds": ROUNDS, "seed": 11, "monitors": [RAISE]}
API, HOST, AGENT = "ray::ServeReplica:simulations", "ray::SimulationHost", "ray::AgentActor"
REFRAIN = {"kind": "fix_seats", "seats": [0, 1], "action": "refrain"}


@pytest.fixture
def client(disposable: LiveService):
    with disposable.client(CONTROL_TOKEN) as client:
        yield client


@pytest.fixture(scope="module")
def undisturbed(disposable) -> list[dict]:
    with disposable.client(CONTROL_TOKEN) as client:
        simulation = client.create(**GAME)
        client.run(simulation.id)
        wait_until_over(client, simulation.id)
        return client.decisions(simulation.id).to_pylist()


def wait_for_round(client: Client, simulation_id: str, number: int) -> None:
    wait_until(lambda: client.simulation(simulation_id).rounds_settled >= number, f"round {number}")


def assert_whole(client: Client, simulation_id: str, first_round: int = 1) -> None:
    events = [event for event in client.events(simulation_id, follow=False) if isinstance(event, EventView)]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    if first_round == 1:
        tips = [event.kind for event in events if event.kind not in ("created", "control", "round")]
        assert tips == ["tip", "intervention"]
    settled = [event.data["round"] for event in events if event.kind == "round"]
    assert settled == list(range(first_round, ROUNDS + 1))


def test_parts_killed_during_a_run_change_nothing_and_a_reader_misses_nothing(client, disposable, undisturbed) -> None:
    simulation = client.create(**GAME)
    seen: list[int] = []

    def read() -> None:
        with disposable.client(CONTROL_TOKEN) as other:
            seen.extend(event.seq for event in other.events(simulation.id) if isinstance(event, EventView))

    reader = threading.Thread(target=read)
    reader.start()
    # Every time it is playing, and has recovered before the next.
    for stage, part in enumerate((API, HOST, AGENT, HOST), 1):
        client.run(simulation.id, until_round=stage * ROUNDS // 4)
        wait_for_round(client, simulation.id, (stage - 1) * ROUNDS // 4 + 1)
        disposable.kill(part)
        wait_until_over(client, simulation.id, "finished" if stage == 4 else "paused")
    assert_whole(client, simulation.id)
    assert client.decisions(simulation.id).to_pylist() == undisturbed
    reader.join(PATIENCE_S)
    told = client.events(simulation.id, follow=False)
    assert seen == [event.seq for event in told if isinstance(event, EventView)]


@pytest.mark.parametrize("part", [API, HOST])
def test_forks_during_a_kill_are_made_once_and_whole(client, disposable, undisturbed, part) -> None:
    parent = client.create(**GAME)
    client.run(parent.id)
    wait_for_round(client, parent.id, 3)
    killer = threading.Timer(0.3, disposable.kill, (part,))
    killer.start()
    branches = [client.fork(parent.id, 2, [REFRAIN], seed=seed) for seed in range(8)]
    killer.join()
    branches += [client.fork(parent.id, 2)]
    assert client.simulation(parent.id).branches == [branch.id for branch in branches]
    for branch in branches:
        kinds = [event.kind for event in client.events(branch.id, follow=False) if isinstance(event, EventView)]
        assert kinds == (["created"] if branch is branches[-1] else ["created", "intervention"])
    for branch in (branches[0], branches[-1]):
        client.run(branch.id)
    for found in (parent, branches[0], branches[-1]):
        wait_until_over(client, found.id)
    assert client.decisions(parent.id).to_pylist() == undisturbed
    assert client.decisions(branches[-1].id).to_pylist() == undisturbed
    assert_whole(client, branches[0].id, 3)
    changed = client.decisions(branches[0].id).to_pylist()
    assert changed[: 2 * SEATS] == undisturbed[: 2 * SEATS]
    assert {row["action"] for row in changed[2 * SEATS :] if row["seat"] < 2} == {"aligned"}


def test_the_whole_tree_killed_and_started_again_goes_on_by_itself(client, disposable, undisturbed) -> None:
    running, paused = client.create(**GAME), client.create(**GAME)
    client.run(paused.id, until_round=7)
    client.run(running.id)
    wait_until_over(client, paused.id, "paused")
    wait_for_round(client, running.id, 12)
    branch = client.fork(running.id, 5)
    known = [found.id for found in client.simulations().simulations]
    disposable.kill_tree()
    disposable.start(**PATIENT_PROXY)
    with disposable.client(CONTROL_TOKEN) as client:
        assert [found.id for found in client.simulations().simulations] == known
        assert client.simulation(paused.id).status == "paused"
        assert client.simulation(paused.id).rounds_settled == 7
        client.run(paused.id)
        client.run(branch.id)
        for found in (running, paused, branch):
            wait_until_over(client, found.id)
            assert client.decisions(found.id).to_pylist() == undisturbed
            assert_whole(client, found.id, 6 if found is branch else 1)
