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

FLOOD = int(os.environ.get("ATP_RAY_FLOOD", "600"))  # more than twice what the engine decodes
MANY = range(10_000, 13_000)  # longer than any test waits for


@pytest.fixture(scope="module")
def slots(tiny) -> int:
    """How many requests the engine decodes at once."""
    return tiny.engine.max_num_seqs


@ray.remote(num_cpus=0, max_concurrency=10_000)
class Asker:
    """Asks from a process of its own, through the gateways or by itself."""

    def __init__(self, deployment, gateways=None):
        self._deployment, self._gateways = deployment, gateways

    async def ask(self, requests, timeout_s=900):
        if self._gateways:
            client = GatewayClient(self._deployment, self._gateways, timeout_s)
        else:
            client = ServeClient(self._deployment, timeout_s)
        return await asyncio.gather(*(client.reply(request) for request in requests))


@pytest.fixture(scope="module")
def askers(tiny_engine):
    """Two processes that ask the same engine; the second may be killed by the last test that needs it."""
    made = [Asker.options(name=f"asker-{place}").remote(tiny_engine) for place in range(2)]  # who dies is known by name
    yield made
    for asker in made:
        ray.kill(asker)


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


def test_a_flood_is_answered_once_each(tiny_engine, askers, slots) -> None:
    before = load(tiny_engine)
    start = time.monotonic()
    shares = [range(FLOOD // 2), range(FLOOD // 2, FLOOD)]
    calls = [asker.ask.remote(requests(seeds)) for asker, seeds in zip(askers, shares, strict=True)]
    in_work = []  # looked at again and again: what other tests left behind is no part of it
    while len(ray.wait(calls, num_returns=len(calls), timeout=0.05)[0]) < len(calls):
        in_work.append(load(tiny_engine).decoding)
    replies = [reply for share in ray.get(calls) for reply in share]
    seconds = time.monotonic() - start
    wait_until(lambda: idle(tiny_engine), "the engine to be empty")
    after = load(tiny_engine)
    assert len(replies) == FLOOD
    assert {reply.error for reply in replies} == {None}
    assert after.finished - before.finished == FLOOD
    assert slots / 2 < max(in_work)
    assert after.most_decoding <= slots
    # What is reported is the time inside; so many are inside at most.
    assert sum(reply.latency_s for reply in replies) <= slots * seconds
    print(f"{FLOOD} requests in {seconds:.1f} s, {after}")


def test_a_request_that_takes_too_long_inside_is_cancelled_in_the_engine(tiny_engine, askers) -> None:
    before = load(tiny_engine)
    replies = ray.get(askers[0].ask.remote(requests(range(20)), timeout_s=1e-4))
    assert {reply.error for reply in replies} == {"no reply within 0.0001 s of its start in the engine"}
    assert not any(reply.refused for reply in replies)
    wait_until(lambda: idle(tiny_engine), "the engine to be empty")
    assert load(tiny_engine).finished == before.finished


def test_what_is_cancelled_is_cancelled_in_the_engine(tiny_engine, askers, slots) -> None:
    before = load(tiny_engine)
    call = askers[0].ask.remote(requests(MANY))
    wait_until(lambda: load(tiny_engine).finished > before.finished, "the first reply")
    assert load(tiny_engine).in_line > slots
    ray.cancel(call, recursive=False)
    wait_until(lambda: idle(tiny_engine), "the engine to be empty")
    assert load(tiny_engine).finished - before.finished < len(MANY)


def test_waiting_in_line_is_never_a_time_out_and_whoever_dies_takes_the_line_along(tiny_engine, askers, slots) -> None:
    start = time.monotonic()
    ray.get(askers[0].ask.remote(requests(range(2 * slots))))
    timeout_s = time.monotonic() - start
    before = load(tiny_engine)
    askers[1].ask.remote(requests(MANY), timeout_s)
    wait_until(lambda: load(tiny_engine).in_line > len(MANY) // 2, "the line")
    late = time.monotonic() + timeout_s
    wait_until(lambda: time.monotonic() > late, "the time-out to have passed")
    # The few inside may be late on a busy machine; what waits in line is still there, and is let in.
    finished = load(tiny_engine).finished
    wait_until(lambda: load(tiny_engine).finished > finished, "one more reply")
    now = load(tiny_engine)
    assert now.in_line > slots
    assert now.in_line + now.inside + (now.finished - before.finished) > 0.9 * len(MANY)
    ray.kill(askers[1])
    wait_until(lambda: idle(tiny_engine), "the engine to be empty")
    assert load(tiny_engine).finished - before.finished < len(MANY)


def test_an_agent_that_dies_takes_its_requests_out_of_the_engine_by_way_of_the_gateway(tiny_engine) -> None:
    before = load(tiny_engine)
    gateways, actors = launch_gateways()
    asker = Asker.options(name="asker-agent").remote(tiny_engine, gateways)
    asker.ask.remote(requests(MANY))
    wait_until(lambda: load(tiny_engine).finished > before.finished, "the first reply")
    ray.kill(asker)
    wait_until(lambda: idle(tiny_engine), "the engine to be empty")
    assert load(tiny_engine).finished - before.finished < len(MANY)
    for actor in actors:
        ray.kill(actor)


async def test_an_engine_is_gone_where_nothing_runs_and_not_while_a_replica_does(tiny_engine) -> None:
    patience_s = 2.0  # looks that lie too far apart count for nothing
    running = DeploymentWatch(tiny_engine.app_name, tiny_engine.deployment_name, patience_s)
    nothing = DeploymentWatch("nothing", "nowhere", patience_s)
    while not await nothing.gone():
        await asyncio.sleep(patience_s)
        assert not await running.gone()
