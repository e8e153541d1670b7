"""Naming games on a real Ray, a few seats in each of several actors: only who meets somebody is asked."""

from __future__ import annotations

import asyncio

import pytest
import ray
from naming_play import naming_spec, play_policy
from support import make_cell

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator
from actors.failure_policy import FailurePolicy
from actors.population import create_population
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import read_table

POLICIES = [PlayerSpec(resolve_checkpoint(f"policy:{name}")) for name in ("quantal", "collude")]


@pytest.fixture(scope="module")
def population(local_ray):
    """Seven seats in two actors."""
    population, actors = create_population(7, POLICIES, agents_per_actor=4)
    yield population
    for actor in actors:
        ray.kill(actor)


def test_a_run_is_what_the_policy_plays_whoever_hosts_the_seats(population, tmp_path) -> None:
    specs = [
        naming_spec(n_agents=7, pairing="asynchronous", rounds=60, n_names=3, history_window=2),
        naming_spec(n_agents=7, pairing="synchronous", rounds=12, n_names=2, committed=2, established="B"),
    ]
    cell = make_cell(*specs)
    asyncio.run(Coordinator(tmp_path, population, FailurePolicy(turn_timeout_s=60), coalesce=64).play(cell))
    log = read_event_log(log_path(tmp_path, cell.cell_id))
    for spec in specs:
        expected = play_policy(spec)
        for played, alone in zip(log[spec.episode_id], expected, strict=True):
            assert played.decisions.options_A.tolist() == alone.decisions.options_A.tolist()
            assert played.decisions.reply_A == alone.decisions.reply_A
            assert played.decisions.attempts_A.tolist() == alone.decisions.attempts_A.tolist()
            assert played.capital_after.value_A.tolist() == alone.capital_after.value_A.tolist()
    rows = read_table(tmp_path, "rounds").to_pylist()
    assert {row["n_asked"] for row in rows if row["episode_id"] == specs[0].episode_id} == {2}
    assert {row["n_asked"] for row in rows if row["episode_id"] == specs[1].episode_id} == {6}
