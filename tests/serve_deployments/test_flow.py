"""More requests than an engine decodes: each is answered once, none is late for the others, none is left behind.

`ATP_RAY_FLOOD` is how many come at once (7000 with `make test-long`).
"""

import asyncio
import os
import time

import pytest
import ray
from ray import serve
from support import make_spec, wait_until

from actors.deployment_watch import DeploymentWatch
from actors.model_clients import ServeClient
from actors.model_gateway import GatewayClient, launch_gateways
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.model_calls import ReplyRequest
from atp_ray.play.prompts import build_messages
from atp_ray.play.sampling import Sampling
from serve_deployments.admission import Load
from serve_deployments.lease import Lease
from serve_deployments.model_app import deploy_models

SLOTS, WARM = 8, 40
FLOOD = int(os.environ.get("ATP_RAY_FLOOD", "300"))
MANY = range(10_000, 13_000)  # longer than any test waits for


@pytest.fixture(scope="module")
def small_engine(local_ray, tiny):
    """The embedded checkpoint in an engine of its own that decodes eight requests at once."""
    small = tiny.model_copy(update={"engine": tiny.engine.model_copy(update={"max_num_seqs": SLOTS})})
    deployment = deploy_models([small], Lease()).deployments["tiny"]
    yield deployment
    serve.delete(deployment.app_name)


@ray.remote(num_cpus=0, max_concurrency=10_000)
class Asker:
    """Asks from a process of its own, through the gateways or by itself."""

    def __init__(self, deployment, gateways=None, timeout_s=900):
        one = GatewayClient(deployment, gateways, timeout_s) if gateways else ServeClient(deployment, timeout_s)
        self._client = one

    async def ask(self, requests):
        return await asyncio.gather(*(self._client.reply(request) for request in requests))


def requests(seeds) -> list[ReplyRequest]:
    spec = make_spec(checkpoint="tiny")
    messages = tuple(build_messages(EpisodeMemory(spec, (0,)).seat_view(0)))
    sampling = Sampling(max_tokens=24, attempts=1)
    return [ReplyRequest(messages, sampling, seed, spec.scenario.options) for seed in seeds]


def load(deployment) -> Load:
    handle = serve.get_deployment_handle(deployment.deployment_name, deployment.app_name)
    return handle.load.remote().result()


def idle(deployment) -> bool:
    now = load(deployment)
    return now.in_line == now.inside == now.decoding == 0


def test_a_flood_is_answered_once_each(small_engine) -> None:
    before = load(small_engine)
    # Two processes ask the same engine.
    askers = [Asker.remote(small_engine) for _ in range(2)]
    start = time.monotonic()
    shares = [range(FLOOD // 2), range(FLOOD // 2, FLOOD)]
    calls = [asker.ask.remote(requests(seeds)) for asker, seeds in zip(askers, shares, strict=True)]
    replies = [reply for share in ray.get(calls) for reply in share]
    seconds = time.monotonic() - start
    wait_until(lambda: idle(small_engine), "the engine to be empty")
    after = load(small_engine)
    assert len(replies) == FLOOD
    assert {reply.error for reply in replies} == {None}
    assert after.finished - before.finished == FLOOD
    assert after.most_decoding == SLOTS
    # What is reported is the time inside; eight are inside at most.
    assert sum(reply.latency_s for reply in replies) <= SLOTS * seconds
    print(f"{FLOOD} requests in {seconds:.1f} s, {after}")


def test_waiting_in_line_is_never_a_time_out(small_engine) -> None:
    start = time.monotonic()
    ray.get(Asker.remote(small_engine).ask.remote(requests(range(WARM))))
    timeout_s = time.monotonic() - start
    before = load(small_engine)
    asker = Asker.options(name="asker-in-line").remote(small_engine, timeout_s=timeout_s)
    asker.ask.remote(requests(MANY))
    wait_until(lambda: load(small_engine).in_line > len(MANY) // 2, "the line")
    late = time.monotonic() + timeout_s
    wait_until(lambda: time.monotonic() > late, "the time-out to have passed")
    # The few inside may be late on a busy machine; what waits in line is still there, and is let in.
    finished = load(small_engine).finished
    wait_until(lambda: load(small_engine).finished > finished, "one more reply")
    now = load(small_engine)
    assert now.in_line + now.inside + (now.finished - before.finished) > 0.9 * len(MANY)
    ray.kill(asker)
    wait_until(lambda: idle(small_engine), "the engine to be empty")


def test_a_request_that_takes_too_long_inside_is_cancelled_in_the_engine(small_engine) -> None:
    before = load(small_engine)
    replies = ray.get(Asker.remote(small_engine, timeout_s=1e-4).ask.remote(requests(range(20))))
    assert {reply.error for reply in replies} == {"no reply within 0.0001 s of its start in the engine"}
    assert not any(reply.refused for reply in replies)
    wait_until(lambda: idle(small_engine), "the engine to be empty")
    assert load(small_engine).finished == before.finished


@pytest.mark.parametrize("end", ["cancelled", "killed"])
def test_what_nobody_waits_for_any_more_is_cancelled_in_the_engine(small_engine, end) -> None:
    before = load(small_engine)
    asker = Asker.options(name=f"asker-{end}").remote(small_engine)
    call = asker.ask.remote(requests(MANY))
    wait_until(lambda: load(small_engine).finished > before.finished, "the first reply")
    assert load(small_engine).in_line > SLOTS
    if end == "killed":
        ray.kill(asker)
    else:
        ray.cancel(call, recursive=False)
    wait_until(lambda: idle(small_engine), "the engine to be empty")
    assert load(small_engine).finished - before.finished < len(MANY)


def test_an_agent_that_dies_takes_its_requests_out_of_the_engine_by_way_of_the_gateway(small_engine) -> None:
    before = load(small_engine)
    gateways, actors = launch_gateways()
    asker = Asker.options(name="asker-agent").remote(small_engine, gateways)
    asker.ask.remote(requests(MANY))
    wait_until(lambda: load(small_engine).finished > before.finished, "the first reply")
    ray.kill(asker)
    wait_until(lambda: idle(small_engine), "the engine to be empty")
    assert load(small_engine).finished - before.finished < len(MANY)
    for actor in actors:
        ray.kill(actor)


async def test_an_engine_is_gone_where_nothing_runs_and_not_while_a_replica_does(small_engine) -> None:
    patience_s = 2.0  # looks that lie too far apart count for nothing
    running = DeploymentWatch(small_engine.app_name, small_engine.deployment_name, patience_s)
    nothing = DeploymentWatch("nothing", "nowhere", patience_s)
    while not await nothing.gone():
        await asyncio.sleep(patience_s)
        assert not await running.gone()
