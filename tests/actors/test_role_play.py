"""Role-play on real actors: every prompt has its own agent, and packing changes nothing."""

import asyncio

import pytest
import ray
from support import make_cell, role_play_spec

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator
from actors.failure_policy import FailurePolicy
from actors.population import Population, create_population
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.run_folder import log_path

# Violations of the delivery worker round by round, by seed, as version 0.4 played them.
PLAYED = {
    0: "000100",
    1: "000000",
    2: "010000",
    3: "000010",
    4: "100010",
    5: "100101",
    6: "001000",
    7: "101101",
}
POLICY = PlayerSpec(resolve_checkpoint("policy:quantal"))


def episodes(count: int = 8):
    return [role_play_spec("alternating", seed=seed) for seed in range(count)]


@pytest.mark.parametrize("agents_per_actor", [5, 8])
def test_the_transcript_is_the_same_however_agents_are_packed(local_ray, tmp_path, agents_per_actor: int) -> None:
    specs = episodes()
    cell = make_cell(*specs)
    assert cell.population == 8
    population, actors = create_population(cell.population, [POLICY], agents_per_actor)
    assert len(actors) == -(-8 // agents_per_actor)
    asyncio.run(Coordinator(tmp_path, population, FailurePolicy()).play(cell))
    log = read_event_log(log_path(tmp_path, cell.cell_id))
    played = {spec.seed: [int(record.decisions.action_A[0]) for record in log[spec.episode_id]] for spec in specs}
    assert all(len(actions) == 6 for actions in played.values())
    assert played == {seed: [int(action) for action in actions] for seed, actions in PLAYED.items()}
    for actor in actors:
        ray.kill(actor)


def test_each_prompt_is_another_agent() -> None:
    population = Population(("a", "b", "c"), agents_per_actor=2)
    assert [population.hostings(1, first_agent=index)[0].host for index in range(8)] == [0, 0, 1, 1, 2, 2, 0, 0]
    assert [hosting.host for hosting in population.hostings(6)] == [0, 1, 2]


def test_violations_rise_where_they_pay_and_fall_where_they_are_noticed(local_ray, tmp_path) -> None:
    rates = {}
    population, actors = create_population(8, [POLICY], 8)
    for pattern in ("all_unsupervised", "all_supervised"):
        cell = make_cell(*(role_play_spec(pattern, seed=seed) for seed in range(150)), cell_id=pattern)
        outcome = asyncio.run(Coordinator(tmp_path, population, FailurePolicy(), coalesce=64).play(cell))
        rates[pattern] = outcome.deviant_rates
    assert rates["all_unsupervised"][-1] > rates["all_unsupervised"][0] + 0.1
    assert rates["all_supervised"][-1] < rates["all_unsupervised"][-1] - 0.2
    for actor in actors:
        ray.kill(actor)
