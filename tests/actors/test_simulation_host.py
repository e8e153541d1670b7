"""The host of live simulations on real agents: what is changed reaches those who play, from the next round on."""

import asyncio

import pytest
import ray
from support import happens, make_spec

from actors.agent import PlayerSpec
from actors.failure_policy import FailurePolicy
from actors.population import create_population
from actors.simulation_host import SimulationHost
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import EndpointProfile
from atp_ray.live.interventions import read_intervention
from atp_ray.live.simulation import Creation, Until
from atp_ray.live.store import Wanted

PROFILES = {name: resolve_checkpoint(name) for name in ("policy:quantal", "policy:collude", "policy:refrain")}


@pytest.fixture(scope="module")
def population(local_ray):
    population, actors = create_population(8, [PlayerSpec(profile) for profile in PROFILES.values()], 4)
    yield population
    for actor in actors:
        ray.kill(actor)


def host(population, folder, pace_s: float = 0) -> SimulationHost:
    return SimulationHost(folder, population, PROFILES, FailurePolicy(), {}, most=10, most_running=4, pace_s=pace_s)


async def run(host: SimulationHost, simulation_id: str, until: int | None = None) -> None:
    await host.control(simulation_id, "run", Until(round=until), "me", None)
    await happens(lambda: host._store.live.simulation(simulation_id).status != "running", "the simulation to stop")


def colluders(host: SimulationHost, simulation_id: str) -> list[int]:
    return [
        int((record.decisions.action_A == 1).sum())
        for record in host._store.live.simulation(simulation_id).state.records
    ]


CHANGES = [
    ({"kind": "fix_seats", "seats": list(range(8)), "action": "collude"}, [8, 8, 8]),
    ({"kind": "fix_seats", "seats": list(range(8)), "action": "refrain"}, [0, 0, 0]),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=["collude", "refrain"])
async def test_a_change_of_players_reaches_the_agents(population, tmp_path, change, expected) -> None:
    hosting = host(population, tmp_path)
    (one,) = await hosting.create([Wanted(Creation(name="x", episode=make_spec(rounds=6, threshold=4)))], "me")
    await run(hosting, one, until=3)
    before = colluders(hosting, one)
    await hosting.intervene(one, read_intervention(change), "me", None)
    await run(hosting, one)
    assert colluders(hosting, one) == [*before, *expected]


async def test_a_change_reaches_the_agents_of_a_simulation_that_goes_on_running(population, tmp_path) -> None:
    hosting = host(population, tmp_path, pace_s=0.02)
    spec = make_spec(rounds=2000, threshold=8, rewards=(1.2, 1, 0.2))  # hardly anybody colludes by itself
    (one,) = await hosting.create([Wanted(Creation(name="x", episode=spec))], "me")
    await hosting.control(one, "run", Until(), "me", None)
    await happens(lambda: len(colluders(hosting, one)) >= 2, "two rounds")
    await hosting.intervene(one, read_intervention(CHANGES[0][0]), "me", None)
    events = [event.kind for event in hosting._store.live.events(one)]
    before = events[: events.index("intervention")].count("round")
    await happens(lambda: len(colluders(hosting, one)) >= before + 3, "three rounds after the change")
    assert hosting._store.live.simulation(one).status == "running"
    await hosting.control(one, "cancel", Until(), "me", None)
    assert set(colluders(hosting, one)[:before]) != {8}
    assert set(colluders(hosting, one)[before:]) == {8}


async def test_a_change_of_numbers_reaches_the_agents_and_not_only_the_settlement(population, tmp_path) -> None:
    hosting = host(population, tmp_path)
    spec = make_spec(rounds=24, threshold=8, rewards=(1.2, 1, 0.2))
    (one,) = await hosting.create([Wanted(Creation(name="x", episode=spec))], "me")
    await run(hosting, one, until=4)
    # Nobody colludes where all eight must; where one is enough, the policy does so nearly always.
    assert sum(colluders(hosting, one)) <= 4
    change = {"kind": "change_numbers", "threshold": 1, "high": 3.0}
    await hosting.intervene(one, read_intervention(change), "me", None)
    await run(hosting, one)
    assert sum(colluders(hosting, one)[4:]) >= 0.95 * 20 * 8


async def test_a_host_that_starts_again_goes_on_with_what_was_running(population, tmp_path) -> None:
    whole, cut = host(population, tmp_path / "a"), host(population, tmp_path / "b")
    made = []
    for hosting in (whole, cut):
        (one,) = await hosting.create([Wanted(Creation(name="x", episode=make_spec(rounds=12)))], "me")
        made.append(one)
    await run(whole, made[0])
    await cut.control(made[1], "run", Until(), "me", None)
    await happens(lambda: len(colluders(cut, made[1])) >= 3, "three rounds")
    for task in cut._tasks.values():
        task.cancel()
    again = host(population, tmp_path / "b")
    assert await again.ready() == 1
    await happens(lambda: again._store.live.simulation(made[1]).status != "running", "the simulation to stop")
    assert colluders(again, made[1]) == colluders(whole, made[0])


async def test_what_a_cancelled_simulation_asked_of_a_model_is_given_up(local_ray, tmp_path) -> None:
    asked, given_up = asyncio.Event(), asyncio.Event()

    async def never_answers(reader, writer):
        asked.set()
        while await reader.read(1000):
            pass
        given_up.set()
        writer.close()

    server = await asyncio.start_server(never_answers, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    profile = EndpointProfile(name="openai:x", model="x", base_url=url)
    population, actors = create_population(2, [PlayerSpec(profile)], 2)
    hosting = SimulationHost(
        tmp_path, population, {profile.name: profile}, FailurePolicy(), {}, most=1, most_running=1, pace_s=0
    )
    spec = make_spec(n=2, threshold=1, checkpoint=profile.name)
    (one,) = await hosting.create([Wanted(Creation(name="x", episode=spec))], "me")
    await hosting.control(one, "run", Until(), "me", None)
    await happens(asked.is_set, "the model to be asked")
    await hosting.control(one, "cancel", Until(), "me", None)
    await happens(given_up.is_set, "the request to be given up")
    server.close()
    ray.kill(actors[0])
