"""Solving problems on the real stack: vLLM behind Serve, sandboxes as actors, and either of them killed."""

import asyncio

import pytest
import ray
from support import PATIENCE_S, make_cell, needs_isolation, tool_spec, wait_until

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator
from actors.failure_policy import FailurePolicy
from actors.model_clients import ServeClient
from actors.population import create_population
from actors.sandboxes import SandboxClient, create_sandboxes
from atp_ray.paradigms.tool_usage.solver import solve_round
from atp_ray.play.actions import Action
from atp_ray.play.asking import Asking
from atp_ray.play.memory import SeatView
from atp_ray.play.sampling import Sampling
from atp_ray.sandbox.limits import SandboxLimits
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import read_table

pytestmark = needs_isolation
SAMPLING = Sampling(max_tokens=96)


@pytest.fixture(scope="module")
def sandbox(local_ray):
    # A call that a busy machine cuts off would change a reply.
    names, actors = create_sandboxes("bubblewrap", 1, SandboxLimits(wall_s=PATIENCE_S))
    yield names, actors
    for actor in actors:
        ray.kill(actor)


async def test_a_sandbox_actor_runs_code_and_survives_being_killed(sandbox) -> None:
    names, actors = sandbox
    client = SandboxClient(names)
    assert (await client.run("s", "x = 6 * 7")).status == "ok"
    assert (await client.run("s", "x")).output == "42\n"
    ray.kill(actors[0], no_restart=False)
    assert (await client.run("t", "1 + 1")).output == "2\n"


def end_for_good(actor) -> None:
    """Kill an actor and wait until it is dead: it may still answer a call or two."""
    ray.kill(actor)
    wait_until(lambda: not answers(actor), "a killed actor to be dead")


def answers(actor) -> bool:
    try:
        return ray.get(actor.ready.remote(), timeout=PATIENCE_S)
    except ray.exceptions.RayActorError:
        return False


async def test_a_sandbox_that_is_gone_for_good_is_a_result(local_ray) -> None:
    names, actors = create_sandboxes("none", 1)
    client = SandboxClient(names)
    assert (await client.run("s", "1")).status == "ok"
    end_for_good(actors[0])
    assert (await client.run("s", "1")).status == "lost"


async def solved(model, tools, spec):
    view = SeatView(spec, 0, ())
    return await solve_round(view, Asking(model, view, SAMPLING, tools=tools))


async def test_a_solver_uses_the_real_engine_and_the_real_tool(tiny_engine, sandbox) -> None:
    model, tools = ServeClient(tiny_engine), SandboxClient(sandbox[0])
    specs = [tool_spec(rounds=1, seed=seed) for seed in range(12)]
    decisions = await asyncio.gather(*(solved(model, tools, spec) for spec in specs))
    again = await asyncio.gather(*(solved(model, tools, spec) for spec in specs[:4]))
    assert [decision.reply for decision in decisions[:4]] == [decision.reply for decision in again]
    solutions = [solution for decision in decisions for solution in decision.solutions]
    assert len(solutions) == 24
    assert [solution.difficulty for solution in solutions] == ["simple", "complex"] * 12
    used = [solution for solution in solutions if solution.used_tool]
    assert len(used) >= 6
    assert sum("ok" in solution.tool_statuses for solution in used) >= 0.8 * len(used)
    assert all("<output>" in solution.reply and solution.cost == 3 for solution in used)
    assert any(solution.correct for solution in used)
    assert sum(decision.action.is_decision for decision in decisions) >= 11
    for decision in decisions:
        assert (decision.action is Action.ALIGNED) == decision.solutions[-1].used_tool


async def test_a_tool_that_is_lost_ends_in_an_answer_all_the_same(tiny_engine) -> None:
    names, sandboxes = create_sandboxes("none", 1)
    end_for_good(sandboxes[0])
    model, tools = ServeClient(tiny_engine), SandboxClient(names)
    specs = [tool_spec(rounds=1, seed=seed) for seed in range(4)]
    decisions = await asyncio.gather(*(solved(model, tools, spec) for spec in specs))
    assert all(len(decision.solutions) == 2 for decision in decisions)
    assert {status for d in decisions for s in d.solutions for status in s.tool_statuses} == {"lost"}


def test_killing_sandbox_and_agents_in_the_middle_loses_no_episode(tiny, tiny_engine, sandbox, tmp_path) -> None:
    names, sandboxes = sandbox
    specs = [tool_spec(rounds=2, seed=seed) for seed in range(6)]
    cell = make_cell(*specs, checkpoint="tiny", kind="embedded")
    population, agents = create_population(6, [PlayerSpec(tiny, tiny_engine)], 3, names)
    coordinator = Coordinator(tmp_path, population, FailurePolicy(), coalesce=64)

    async def play_and_kill() -> None:
        playing = asyncio.create_task(coordinator.play(cell))
        await settled(1)
        ray.kill(sandboxes[0], no_restart=False)
        await settled(2)
        ray.kill(agents[0], no_restart=False)
        await playing

    async def settled(rounds: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (await coordinator.progress()).rounds < rounds:
                await asyncio.sleep(0.01)

    asyncio.run(play_and_kill())
    log = read_event_log(log_path(tmp_path, cell.cell_id))
    for spec in specs:
        assert [record.round for record in log[spec.episode_id]] == [1, 2]
        assert all(record.decisions.action_A[0] != Action.MISSING for record in log[spec.episode_id])
        assert all(len(record.decisions.solutions_A[0]) == 2 for record in log[spec.episode_id])
    assert read_table(tmp_path, "solutions").num_rows == 24
    assert set(read_table(tmp_path, "cells")["paradigm"].to_pylist()) == {"tool_usage"}
    for agent in agents:
        ray.kill(agent)
