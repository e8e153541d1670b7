"""Agents, population and coordinator on a real Ray."""

import asyncio

import numpy as np
import pytest
import ray
from command_runs import settled_rounds
from played_alone import play_alone
from support import PATIENCE_S, make_cell, make_spec, play, wait_until

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator
from actors.failure_policy import FailurePolicy
from actors.host_client import HostClient
from actors.population import create_population, default_agents_per_actor
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import EndpointProfile
from atp_ray.errors import EngineError
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.play.actions import Action
from atp_ray.play.decisions import TurnFailure
from atp_ray.play.episodes import SeatGroup
from atp_ray.play.rounds import observe_round
from atp_ray.play.turns import MemoryGap, Turn, TurnReply
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import read_table

POLICIES = [PlayerSpec(resolve_checkpoint(f"policy:{name}")) for name in ("quantal", "collude", "refrain")]
# What eight seats decided round by round with seed 3, as version 0.4 played it: seeds and policy are a promise.
PLAYED = {
    "info_sharing": ["10101111", "11111111", "11111111"],
    "hunting_game": ["00111111", "11111111", "11111111"],
}
QUICK = FailurePolicy(turn_timeout_s=60, retries=5, retry_wait_s=0.5)


@pytest.fixture(scope="module")
def pair(local_ray):
    """A population of four seats, two agents in each of two actors."""
    population, actors = create_population(4, POLICIES, agents_per_actor=2)
    yield population, actors
    for actor in actors:
        ray.kill(actor)


@pytest.fixture(scope="module")
def gone(local_ray):
    """A population of three seats in one actor, which also knows an endpoint where nobody is."""
    dead = EndpointProfile(name="openai:gone", model="gone", base_url="http://127.0.0.1:9/v1")
    population, actors = create_population(3, [PlayerSpec(dead), *POLICIES], agents_per_actor=3)
    yield population
    ray.kill(actors[0])


def play_cell(run_dir, population, cell):
    """Play a cell by a coordinator in this process."""
    return asyncio.run(Coordinator(run_dir, population, QUICK, coalesce=64).play(cell))


def transcript(run_dir, cell):
    log = read_event_log(log_path(run_dir, cell.cell_id))
    return {
        episode: [
            (r.round, r.decisions.action_A.tolist(), r.decisions.reply_A, r.capital_after.value_A.tolist())
            for r in records
        ]
        for episode, records in log.items()
    }


def test_a_turn_is_answered_and_may_be_repeated(pair) -> None:
    _, actors = pair
    spec = make_spec(n=4)
    first = Turn(spec.episode_id, 1, (0, 1), (), spec)
    one, two = ray.get([actors[0].decide.remote([first]), actors[0].decide.remote([first])])
    assert isinstance(one[0], TurnReply)
    assert one[0].decisions.action_A.tolist() == two[0].decisions.action_A.tolist()
    assert all('{"choice":' in reply for reply in one[0].decisions.reply_A)


def test_an_agent_without_the_past_asks_for_it_and_is_rebuilt_from_it(pair) -> None:
    _, actors = pair
    spec = make_spec(n=4, rounds=5, seed=7)
    records = play(spec)
    past = [observe_round(spec, record, (2, 3)) for record in records[:4]]
    gap = ray.get(actors[1].decide.remote([Turn(spec.episode_id, 5, (2, 3), (past[-1],))]))[0]
    assert gap == MemoryGap(spec.episode_id, -1)
    rebuilt = ray.get(actors[1].decide.remote([Turn(spec.episode_id, 5, (2, 3), tuple(past[-3:]), spec)]))[0]
    assert isinstance(rebuilt, TurnReply)
    skipped = ray.get(actors[1].decide.remote([Turn(spec.episode_id, 7, (2, 3), ())]))[0]
    assert skipped == MemoryGap(spec.episode_id, 4)


def test_agent_actors_import_no_model_library(pair) -> None:
    @ray.remote(num_cpus=0)
    def loaded() -> set[str]:
        import sys

        import actors.agent  # noqa: F401
        from atp_ray.paradigms.registry import paradigm

        assert paradigm("games").environment
        # The first three are forbidden, the rest is dear: an agent is memory and a way to ask.
        dear = {"scipy", "networkx", "pyarrow", "matplotlib", "httpx", "ray.serve", "sympy"}
        return ({"torch", "transformers", "vllm"} | dear) & set(sys.modules)

    assert ray.get(loaded.remote()) == set()


@pytest.mark.parametrize("agents_per_actor", [5, 8])
def test_the_transcript_does_not_depend_on_packing(local_ray, tmp_path, agents_per_actor) -> None:
    population, actors = create_population(8, POLICIES, agents_per_actor)
    cell = make_cell(*(make_spec(scenario=name, seed=3) for name in ("info_sharing", "hunting_game")))
    play_cell(tmp_path, population, cell)
    for actor in actors:
        ray.kill(actor)
    digest = transcript(tmp_path, cell)
    actions = {episode: ["".join(map(str, row[1])) for row in rounds] for episode, rounds in digest.items()}
    assert actions == {spec.episode_id: PLAYED[spec.scenario.name] for spec in cell.episodes}


def expected_actions(spec):
    return [record.decisions.action_A.tolist() for record in play_alone(spec)]


def test_mixed_seats_and_fixed_colluders(pair, tmp_path) -> None:
    population, _ = pair
    seats = [
        SeatGroup(checkpoint="policy:collude", count=1),
        SeatGroup(checkpoint="policy:quantal", count=2),
        SeatGroup(checkpoint="policy:refrain", count=1),
    ]
    cell = make_cell(make_spec(n=4, threshold=2, seats=seats, rounds=4))
    play_cell(tmp_path, population, cell)
    decisions = read_table(tmp_path, "decisions").to_pandas()
    assert set(decisions[decisions.seat == 0].action) == {"deviant"}
    assert set(decisions[decisions.seat == 3].action) == {"aligned"}
    assert read_table(tmp_path, "episodes")["population"].to_pylist() == [
        "policy:collude:1,policy:quantal:2,policy:refrain:1"
    ]
    # The rate is that of the two seats under study.
    assert set(read_table(tmp_path, "cells")["n_decisions"].to_pylist()) == {2}


def test_killed_agents_and_a_killed_coordinator_change_nothing(local_ray, tmp_path) -> None:
    specs = [make_spec(n=4, threshold=3, rounds=150, seed=seed) for seed in range(3)]
    cell = make_cell(*specs)
    population, actors = create_population(4, POLICIES, agents_per_actor=2)
    remote = ray.remote(num_cpus=0, max_restarts=5, max_task_retries=5)(Coordinator)
    player = remote.remote(tmp_path, population, QUICK, coalesce=64)
    running = player.play.remote(cell)
    for victim, wanted in zip((*actors, actors[0]), (20, 120, 220), strict=True):
        wait_until(lambda wanted=wanted: settled_rounds(tmp_path) >= wanted, f"{wanted} rounds")
        ray.kill(victim, no_restart=False)
        if wanted == 120:
            ray.kill(player, no_restart=False)
    outcome = ray.get(running, timeout=PATIENCE_S)
    for actor in actors:
        ray.kill(actor)
    assert len(outcome.deviant_rates) == 150
    rounds = transcript(tmp_path, cell)
    for spec in specs:
        assert [row[0] for row in rounds[spec.episode_id]] == list(range(1, 151))
        assert [row[1] for row in rounds[spec.episode_id]] == expected_actions(spec)


def test_a_round_nobody_answers_is_not_settled(gone, tmp_path) -> None:
    cell = make_cell(make_spec(n=2, threshold=1, checkpoint="openai:gone"))
    with pytest.raises(EngineError, match="no agent could decide in round 1"):
        play_cell(tmp_path, gone, cell)
    assert read_event_log(log_path(tmp_path, cell.cell_id)) == {}


def test_seats_that_fail_are_missing_not_aligned(gone, tmp_path) -> None:
    seats = [SeatGroup(checkpoint="policy:collude", count=2), SeatGroup(checkpoint="openai:gone", count=1)]
    cell = make_cell(make_spec(n=3, threshold=3, seats=seats, rounds=1))
    play_cell(tmp_path, gone, cell)
    last = read_table(tmp_path, "decisions").to_pylist()[-1]
    assert (last["action"], last["choice"], last["reward"]) == ("missing", None, 1.0)
    assert last["failure"].startswith("ModelError: ConnectError")


@ray.remote(num_cpus=0)
class Host:
    """Decides when it is told to; says that it is there, unless it is `deaf`."""

    def __init__(self, deaf):
        self._deaf = deaf
        self._told = asyncio.Event()
        self.seen = {"asked": 0, "cancelled": 0, "looked after": 0}

    async def decide(self, turns, caller=None):
        self.seen["asked"] += 1
        try:
            await self._told.wait()
        except asyncio.CancelledError:
            self.seen["cancelled"] += 1
            raise
        return [MemoryGap(turn.episode_id, 0) for turn in turns]

    async def ready(self):
        self.seen["looked after"] += 1
        await asyncio.sleep(3600 * self._deaf)

    async def tell(self):
        self._told.set()

    async def noted(self):
        return self.seen


@ray.remote(num_cpus=0)
class Asker:
    def __init__(self, host, timeout_s=0.3):
        self._client = HostClient(host, FailurePolicy(turn_timeout_s=timeout_s, retries=1, retry_wait_s=0), 4)

    async def ask(self):
        return await self._client.ask(Turn("e", 2, (5, 6)))


def test_a_host_that_gives_no_sign_of_life_is_a_typed_failure_and_what_it_did_is_cancelled(local_ray) -> None:
    host = Host.remote(deaf=True)
    failure = ray.get(Asker.remote(host).ask.remote())
    assert failure == TurnFailure(5, 2, "TurnTimeout", "no sign of life within 0.3 s")
    wait_until(lambda: ray.get(host.noted.remote())["cancelled"] == 2, "both calls to be cancelled")


def test_a_host_that_waits_for_its_engine_is_neither_given_up_nor_asked_twice(local_ray) -> None:
    host = Host.remote(deaf=False)
    # Seconds, for on a busy machine a sign of life takes its time; as many as the machine is slow.
    answer = Asker.remote(host, PATIENCE_S / 200).ask.remote()

    def given_up() -> bool:
        return bool(ray.wait([answer], timeout=0)[0])

    wait_until(lambda: given_up() or ray.get(host.noted.remote())["looked after"] >= 2, "two time-outs to pass")
    host.tell.remote()
    assert ray.get(answer) == MemoryGap("e", 0)
    assert ray.get(host.noted.remote())["asked"] == 1


def test_a_turn_that_is_cancelled_is_cancelled_at_the_host(local_ray) -> None:
    host = Host.remote(deaf=False)
    asker = Asker.remote(host)
    answer = asker.ask.remote()
    wait_until(lambda: ray.get(host.noted.remote())["asked"], "the turn to arrive")
    ray.cancel(answer, recursive=False)
    wait_until(lambda: ray.get(host.noted.remote())["cancelled"] == 1, "the turn to be cancelled")


@pytest.mark.parametrize(("n", "cpus", "size"), [(8, 2, 1), (16, 2, 1), (256, 2, 16), (64, 64, 1), (100_000, 64, 391)])
def test_agents_are_packed_only_beyond_what_the_cluster_holds(n, cpus, size) -> None:
    assert default_agents_per_actor(n, cpus) == size


def test_the_quantal_player_draws_at_its_own_odds() -> None:
    spec = make_spec(n=4000, threshold=2000, rounds=1, visibility="counts")
    share = np.mean(np.array(expected_actions(spec)[0]) == Action.DEVIANT)
    assert share == pytest.approx(QuantalResponse().collude_probability(spec.parameters)[0], abs=0.03)
