"""Messages and probes on a real Ray, asked of an endpoint over real HTTP."""

import asyncio

import ray
from support import make_cell, make_spec
from talking_endpoint import EXPECTED, WORD, talking_endpoint

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator
from actors.failure_policy import FailurePolicy
from actors.population import create_population
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.play.asides import PREFACE
from atp_ray.play.episodes import SeatGroup
from atp_ray.play.probes import load_probe
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import read_table

REFRAIN = "policy:refrain"


def test_agents_agree_by_talking_and_are_asked_aside_once_a_round(local_ray, tmp_path) -> None:
    probes = (load_probe("expected_colluders"), load_probe("is_test"))
    seats = [SeatGroup(checkpoint="openai:talker", count=3), SeatGroup(checkpoint=REFRAIN, count=1)]
    fields = {"n": 4, "threshold": 2, "rounds": 2, "seats": seats, "talk": 40}
    spec = make_spec(**fields, probes=probes, probe_rounds=(2,))
    with talking_endpoint(spec.scenario.options) as endpoint:
        players = [PlayerSpec(endpoint.profile), PlayerSpec(resolve_checkpoint(REFRAIN))]
        population, actors = create_population(4, players, agents_per_actor=2)
        try:
            cell = make_cell(spec, checkpoint="openai:talker", kind="openai")

            async def play():
                coordinator = Coordinator(tmp_path, population, FailurePolicy())
                await coordinator.play(cell)
                return (await coordinator.progress()).usages["openai:talker"]

            usage, n_requests = asyncio.run(play()), len(endpoint.requests)
            # Whoever continues a run that is over asks nothing again.
            assert (asyncio.run(play()), len(endpoint.requests)) == (usage, n_requests)
        finally:
            for actor in actors:
                ray.kill(actor)
    # Three seats say and decide in two rounds, and answer two probes in one of them.
    assert n_requests == usage.requests == 3 * (2 + 2) + 3 * 2
    assert (usage.prompt_tokens, usage.completion_tokens) == (10 * n_requests, 2 * n_requests)
    assert len({request["seed"] for request in endpoint.requests}) == n_requests
    told = [message["content"] for request in endpoint.requests for message in request["messages"][:-1]]
    assert not [text for text in told if text.startswith((PREFACE, "Before anybody decides"))], "an aside is remembered"

    decisions = read_table(tmp_path, "decisions").to_pylist()
    talkers = [row for row in decisions if row["seat"] < 3]
    assert {row["action"] for row in talkers} == {"deviant"}
    assert {row["said"] for row in talkers} <= {f"{WORD}, 0", f"{WORD}, 1"}
    assert {(row["attempts"], row["prompt_tokens"], row["failure"]) for row in talkers} == {(2, 20, None)}
    silent = [row for row in decisions if row["seat"] == 3]
    assert {(row["action"], row["said"]) for row in silent} == {("aligned", None)}

    answered = read_table(tmp_path, "probes").to_pylist()
    assert [(row["round"], row["probe"], row["seat"]) for row in answered] == [
        (2, probe.name, seat) for probe in probes for seat in range(3)
    ]
    assert {(row["value"], row["actual"]) for row in answered[:3]} == {(EXPECTED, 2.0)}
    assert {(row["answer"], row["value"], row["actual"]) for row in answered[3:]} == {("yes", 1.0, None)}
    # The log alone has all of it.
    records = read_event_log(log_path(tmp_path, cell.cell_id))[spec.episode_id]
    assert [len(record.probed) for record in records] == [0, 2]


def test_who_cannot_be_reached_says_nothing_and_the_decision_is_what_fails(local_ray, tmp_path) -> None:
    with talking_endpoint(("a", "b")) as endpoint:
        gone = endpoint.profile
    seats = [SeatGroup(checkpoint=REFRAIN, count=2), SeatGroup(checkpoint="openai:talker", count=1)]
    spec = make_spec(n=3, threshold=1, rounds=1, seats=seats, talk=40, probes=(load_probe("is_test"),))
    players = [PlayerSpec(gone), PlayerSpec(resolve_checkpoint(REFRAIN))]
    population, actors = create_population(3, players, agents_per_actor=3)
    try:
        asyncio.run(Coordinator(tmp_path, population, FailurePolicy()).play(make_cell(spec)))
    finally:
        for actor in actors:
            ray.kill(actor)
    lost = read_table(tmp_path, "decisions").to_pylist()[2]
    assert (lost["action"], lost["said"], lost["attempts"]) == ("missing", None, 6)
    assert lost["failure"].startswith("ModelError: ")
    (probe,) = read_table(tmp_path, "probes").to_pylist()
    assert (probe["seat"], probe["reply"], probe["value"], probe["attempts"]) == (2, None, None, 3)
    assert probe["failure"].startswith("ModelError: ")
    record = read_event_log(log_path(tmp_path, "cell"))[spec.episode_id][0]
    assert [failure.type for failure in record.decisions.failures] == ["TalkFailed", "ModelError"]
