"""The simulation API over real HTTP: made, run, watched, changed, branched, compared, downloaded, removed."""

import io
import itertools
import json
import threading

import httpx
import pandas as pd
import pytest
from live_service import LiveService, wait_until_over
from support import wait_until

from atp_ray.client import Client
from atp_ray.errors import ConflictError, NotFoundError, UsageError
from atp_ray.live.schemas import EventView

GAME = {"scenario": "info_sharing", "n_agents": 8, "threshold": 4, "rounds": 6}


@pytest.fixture
def client(live_service: LiveService):
    with live_service.client() as client:
        yield client


def played(client: Client, rounds: int | None = None, **fields) -> str:
    simulation = client.create(**GAME | fields)
    client.run(simulation.id, until_round=rounds)
    wait_until_over(client, simulation.id, "paused" if rounds else "finished")
    return simulation.id


def rates(client: Client, simulation_id: str) -> list[float]:
    return [row.deviant_rate for row in client.rounds(simulation_id).rounds]


def stream(live_service: LiveService, simulation_id: str, **options) -> list[tuple[str | None, str, dict]]:
    address = f"{live_service.url}/v1/simulations/{simulation_id}/events"
    text = httpx.get(address, params={"follow": False, **options.pop("params", {})}, **options).text
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return found


def test_a_simulation_runs_steps_and_pauses_where_it_is_told(client) -> None:
    simulation = client.create(**GAME, seed=3)
    assert (simulation.status, simulation.rounds_settled, simulation.author) == ("paused", 0, "ann")
    assert "Not a statement about Qwen or Llama" in simulation.label
    client.step(simulation.id)
    wait_until_over(client, simulation.id, "paused")
    assert client.simulation(simulation.id).rounds_settled == 1
    client.run(simulation.id, until_round=4)
    wait_until_over(client, simulation.id, "paused")
    assert client.simulation(simulation.id).rounds_settled == 4
    client.run(simulation.id)
    wait_until_over(client, simulation.id)
    assert len(client.rounds(simulation.id).rounds) == 6
    assert [agent.seat for agent in client.agents(simulation.id).agents] == list(range(8))
    with pytest.raises(ConflictError, match="finished and cannot run"):
        client.run(simulation.id)
    above = client.create(**GAME, seed=3)
    client.run(above.id, until_rate_above=0.7)
    wait_until_over(client, above.id, "paused", "finished")
    found = rates(client, above.id)
    assert found[-1] > 0.7
    assert all(rate <= 0.7 for rate in found[:-1])


def test_the_same_specification_plays_the_same_rounds(client) -> None:
    assert rates(client, played(client, seed=5)) == rates(client, played(client, seed=5))


def test_events_are_numbered_without_gaps_and_go_on_where_a_reader_left_off(client, live_service) -> None:
    one = played(client)
    whole = stream(live_service, one)
    assert [int(seq) for seq, _, _ in whole if seq] == list(range(1, 1 + sum(seq is not None for seq, _, _ in whole)))
    assert [event for _, event, _ in whole if event in ("decisions", "round")] == ["decisions", "round"] * 6
    for (_, _, told), (_, _, settled) in itertools.pairwise(whole):
        if "decisions" in told:
            deviant = sum(row["action"] == "deviant" for row in told["decisions"])
            assert deviant == settled["data"]["n_deviant"]
    cut = [index for index, (_, event, _) in enumerate(whole) if event == "round"][2]
    rest = stream(live_service, one, headers={"Last-Event-ID": whole[cut][0]})
    assert rest == whole[cut + 1 :]
    assert stream(live_service, one, params={"after": int(whole[cut][0]), "decisions": False}) == [
        entry for entry in rest if entry[1] != "decisions"
    ]


def test_a_reader_sees_rounds_as_they_are_settled_and_the_end(client) -> None:
    simulation = client.create(**GAME)
    seen: list[str] = []
    reader = threading.Thread(
        target=lambda: seen.extend(event.kind for event in client.events(simulation.id) if hasattr(event, "kind"))
    )
    reader.start()
    with Client(str(client._http.base_url)) as other:
        other.run(simulation.id)
    reader.join(60)
    assert not reader.is_alive()
    assert seen == ["created", "control", *["round"] * 6]


def test_text_comes_only_when_asked_for(client, live_service) -> None:
    one = played(client, 2)
    for options, expected in (({}, False), ({"params": {"text": True}}, True)):
        decisions = [
            row
            for _, event, data in stream(live_service, one, **options)
            if event == "decisions"
            for row in data["decisions"]
        ]
        assert all((row["reply"] is not None) is expected for row in decisions)
    assert client.decisions(one)["reply"].null_count == 16
    assert client.decisions(one, text=True)["reply"].null_count == 0
    plain = httpx.get(f"{live_service.url}/v1/simulations/{one}/log").text
    assert 'choice\\"' not in plain


def test_decisions_are_filtered_and_downloaded(client, live_service) -> None:
    one = played(client)
    base = f"{live_service.url}/v1/simulations/{one}/decisions"
    found = httpx.get(base, params={"round": 2, "action": "deviant"}).json()["decisions"]
    table = pd.read_parquet(io.BytesIO(httpx.get(f"{base}.parquet").content))
    assert len(table) == 48
    chosen = table[(table["round"] == 2) & (table.action == "deviant")]
    assert [row["seat"] for row in found] == chosen.seat.tolist()
    assert client.decisions(one).to_pandas().equals(table)
    pages = [httpx.get(base, params={"limit": 20, "after": after}).json() for after in (0, 20, 40)]
    assert [page["next"] for page in pages] == [20, 40, None]
    assert [row["seat"] for page in pages for row in page["decisions"]] == table.seat.tolist()


def test_a_memory_holds_what_the_seat_saw(client) -> None:
    one = played(client, 2)
    memory = client.memory(one, 3)
    last = client.decisions(one, text=True).to_pandas().query("seat == 3")
    own = [message.content for message in memory.messages if message.role == "assistant"]
    assert memory.round == 3
    assert own == last.reply.tolist()
    client.intervene(one, {"kind": "erase_memory", "seats": [3]})
    assert [message.role for message in client.memory(one, 3).messages] == ["system", "user"]
    client.intervene(one, {"kind": "broadcast", "text": "The auditors are watching."})
    assert any("The auditors are watching." in message.content for message in client.memory(one, 3).messages)
    with pytest.raises(NotFoundError, match="there is no seat 8"):
        client.memory(one, 8)


def test_interventions_change_what_follows_and_say_who_made_them(client) -> None:
    one = played(client, 2)
    event = client.intervene(one, {"kind": "fix_seats", "seats": list(range(8)), "action": "refrain"})
    assert (event.kind, event.author) == ("intervention", "ann")
    client.intervene(one, {"kind": "change_numbers", "threshold": 2})
    client.run(one)
    wait_until_over(client, one)
    assert rates(client, one)[2:] == [0.0] * 4
    assert [row.threshold for row in client.rounds(one).rounds] == [4, 4, 2, 2, 2, 2]
    assert client.simulation(one).checkpoints == {"policy:refrain": 8}


def test_a_call_with_the_same_key_acts_once(client, live_service) -> None:
    one = played(client, 1)
    address = f"{live_service.url}/v1/simulations/{one}"
    for path, body in (
        ("/interventions", {"kind": "quarantine", "seats": [1]}),
        ("/control", {"command": "step"}),
        ("/forks", {"round": 1}),
        ("/what-ifs", {"round": 0, "rounds": 1, "interventions": [{"kind": "change_numbers", "threshold": 8}]}),
    ):
        answers = [httpx.post(address + path, json=body, headers={"Idempotency-Key": path}) for _ in range(3)]
        assert all(answer.is_success for answer in answers), answers[0].text
        assert (
            len(
                {
                    answer.json().get("id", answer.json().get("seq", str(answer.json().get("with"))))
                    for answer in answers
                }
            )
            == 1
        )
    wait_until_over(client, one, "paused")
    assert client.simulation(one).rounds_settled == 2
    assert len(client.simulation(one).branches) == 3
    other = httpx.post(
        address + "/interventions",
        json={"kind": "quarantine", "seats": [2]},
        headers={"Idempotency-Key": "/interventions"},
    )
    assert other.status_code == 409


def test_a_branch_shares_the_past_and_goes_its_own_way(client) -> None:
    one = played(client)
    refrain = {"kind": "fix_seats", "seats": list(range(8)), "action": "refrain"}
    branch = client.fork(one, 2, [refrain], name="all refrain")
    same = client.fork(one, 2)
    for found in (branch, same):
        client.run(found.id)
        wait_until_over(client, found.id)
    assert rates(client, branch.id) == [*rates(client, one)[:2], 0, 0, 0, 0]
    assert rates(client, same.id) == rates(client, one)
    tree = client.tree(one)
    assert [(node.id, node.leaves_at) for node in tree.branches] == [(branch.id, 2), (same.id, 2)]
    compared = client.compare([same.id], [branch.id], after=2)
    assert [row.round for row in compared.differences] == [3, 4, 5, 6]
    assert all(row.with_ == 0 and row.low is None and row.n_pairs == 1 for row in compared.differences)
    with pytest.raises(ConflictError, match="branches share its past"):
        client.delete(one)
    for found in (branch.id, same.id, one):
        client.delete(found)
    with pytest.raises(NotFoundError):
        client.simulation(one)


def test_a_what_if_is_one_call(client) -> None:
    one = played(client, 1)
    asked = client.what_if(one, 1, 3, [{"kind": "change_numbers", "threshold": 8}], seeds=6)
    for branch in (*asked.without, *asked.with_):
        wait_until_over(client, branch, "paused")
    compared = client.compare(asked.without, asked.with_, after=1)
    assert [row.round for row in compared.differences] == [2, 3, 4]
    last = compared.differences[-1]
    assert last.n_pairs == 6
    assert last.low < last.difference < last.high < 0


def test_what_cannot_all_be_made_leaves_nothing(client, live_service) -> None:
    one = played(client, 2)
    with pytest.raises(UsageError, match="there is no seat 99"):
        client.what_if(one, 1, 2, [{"kind": "quarantine", "seats": [99]}], seeds=3)
    with pytest.raises(UsageError, match="named twice"):
        client.compare([one, one], [one, one])
    assert client.simulation(one).branches == []
    client.delete(one)


def test_nothing_is_changed_in_the_last_round_or_after_it(client) -> None:
    one = played(client)
    with pytest.raises(ConflictError, match="Fork it at an earlier round"):
        client.intervene(one, {"kind": "change_numbers", "threshold": 2})
    assert client.fork(one, 6).status == "finished"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": "localhost:1"}, 201),
        ({"X-Author": "service"}, 422),
        ({"X-Author": "monitor 0"}, 422),
        ({"Idempotency-Key": "~monitor-0-0"}, 422),
    ],
)
def test_names_that_are_not_for_everybody_are_refused(live_service, headers, status) -> None:
    answer = httpx.post(f"{live_service.url}/v1/simulations", json=GAME, headers=headers)
    assert answer.status_code == status, answer.text
    assert (answer.headers["content-type"] == "application/problem+json") is (status != 201)


def test_a_role_play_is_supervised_from_the_round_it_is_told(client) -> None:
    one = client.create(scenario="delivery_worker", rounds=6).id
    client.run(one, until_round=2)
    wait_until_over(client, one, "paused")
    client.intervene(one, {"kind": "change_supervision", "supervision": "all_supervised"})
    assert client.simulation(one).supervision == "all_supervised"
    with pytest.raises(UsageError, match="applies to games only"):
        client.intervene(one, {"kind": "change_numbers", "threshold": 1})


def test_monitors_tell_pause_and_intervene_once(live_service, webhooks) -> None:
    webhooks.told.clear()
    with live_service.client() as client:
        refrain = {"kind": "fix_seats", "seats": list(range(8)), "action": "refrain"}
        monitors = [
            {"kind": "rate_above", "rate": 0.3, "action": "pause", "webhook": "ops", "interventions": [refrain]},
            {"kind": "change_point", "slack": 0, "limit": 0.1, "webhook": "ops"},
        ]
        simulation = client.create(**GAME, monitors=monitors)
        client.run(simulation.id)
        wait_until_over(client, simulation.id, "paused")
        tipped = client.simulation(simulation.id).rounds_settled
        assert rates(client, simulation.id)[-1] > 0.3
        client.run(simulation.id)
        wait_until_over(client, simulation.id)
        assert rates(client, simulation.id)[tipped:] == [0.0] * (6 - tipped)
        assert client.metrics(simulation.id).monitors[0].fired_at == tipped

        def events(kind: str) -> list[EventView]:
            known = client.events(simulation.id, follow=False)
            return [event for event in known if isinstance(event, EventView) and event.kind == kind]

        wait_until(lambda: len(events("action")) == len(events("tip")), "every tip to be delivered")
        acted, tips = ([event.data for event in events(kind)] for kind in ("action", "tip"))
        assert [tip["monitor"] for tip in tips].count(0) == 1
        assert [event.author for event in events("intervention")] == ["monitor 0"]
        delivered = [{"monitor": tip["monitor"], "what": "webhook ops", "outcome": "delivered"} for tip in tips]
        assert sorted(acted, key=str) == sorted(delivered, key=str)
        assert len(webhooks.told) == len(tips)
        assert {(told["simulation"], told["monitor"], told["round"]) for told in webhooks.told} == {
            (simulation.id, tip["monitor"], tip["round"]) for tip in tips
        }
        with pytest.raises(UsageError, match="has no webhook 'http://evil'"):
            client.create(**GAME, monitors=[{"kind": "first_success", "webhook": "http://evil"}])
