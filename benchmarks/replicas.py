"""How busy replicas are in a sweep whose engine answers as fast as a GPU would.

`python -m benchmarks.replicas` plays appendix_b with five seeds on 1, 2, 4 and 8 replicas of a faked engine (fixed
slots, fixed latency), looks at each replica for some replies' time once all play, and ends. Everything but the engine
is real: agents, gateway, Ray Serve, coordinator, and how many cells play at once. It prints, for each number of
replicas, the share of its slots that the least busy and the average replica used, decisions per second, and the share
of this machine's CPUs that took.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import ray
from ray import serve

from actors.agent import PlayerSpec
from actors.coordinator import Coordinator, Progress
from actors.failure_policy import FailurePolicy
from actors.model_clients import Deployment
from actors.named_actors import CALLS_AT_ONCE, launch_named
from actors.population import create_population
from atp_ray.checkpoint.profiles import DeploymentProfile, EngineProfile, ModelProfile
from atp_ray.paradigms.grids import expand, load_grid
from benchmarks.fake_engine import Busy, FakeEngine
from tune_sweeps.connection import connected
from tune_sweeps.engine_capacity import engine_capacity

NAME = "fake"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--slots", type=int, default=16, help="requests that a replica decodes at once")
    parser.add_argument("--latency", type=float, default=6.0, help="seconds of a reply")
    parser.add_argument("--spread", type=float, default=0.0, help="share of the latency that replies differ by")
    parser.add_argument("--warm", type=float, default=3, help="replies' time before the look")
    parser.add_argument("--look", type=float, default=5, help="replies' time of the look")
    parser.add_argument("--cells-at-once", type=int, help="play so many cells instead of what the engines can take")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    results = []
    with connected(None):
        serve.start(proxy_location="Disabled")
        for replicas in arguments.replicas:
            with TemporaryDirectory(prefix="atp_ray-benchmark-") as folder:
                results.append(_measure(arguments, replicas, Path(folder)))
            print(json.dumps(results[-1]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n")


def _measure(arguments: argparse.Namespace, replicas: int, folder: Path) -> dict[str, float]:
    engine = serve.deployment(
        num_replicas=replicas, max_ongoing_requests=4096, ray_actor_options={"num_cpus": 0}, name=NAME
    )(FakeEngine)
    serve.run(engine.bind(arguments.slots, arguments.latency, arguments.spread), name=NAME, route_prefix=None)
    profile = ModelProfile(
        name=NAME, source=NAME, engine=EngineProfile(max_num_seqs=arguments.slots),
        deployment=DeploymentProfile(min_replicas=replicas, max_replicas=replicas),
    )  # fmt: skip
    cells = expand(load_grid("appendix_b", checkpoints=[NAME], seeds=5), {NAME: profile})
    population, agents = create_population(8, [PlayerSpec(profile, Deployment(NAME, NAME))])
    _, (coordinator,) = launch_named(
        Coordinator, "coordinator", 1, folder, population, FailurePolicy(), 1, arguments.cells_at_once,
        engine_capacity([profile], {NAME: replicas}, 8), max_concurrency=CALLS_AT_ONCE,
    )  # fmt: skip
    _playing = [coordinator.play.remote(cell) for cell in cells]
    while ray.get(coordinator.progress.remote()).decisions == 0:
        time.sleep(0.2)
    time.sleep(arguments.warm * arguments.latency)
    psutil.cpu_percent()
    first, started, start = _busy(replicas), ray.get(coordinator.progress.remote()), time.monotonic()
    time.sleep(arguments.look * arguments.latency)
    last, ended, seconds = _busy(replicas), ray.get(coordinator.progress.remote()), time.monotonic() - start
    shares = [
        (last[name].slot_seconds - first[name].slot_seconds) / (arguments.slots * (last[name].at_s - first[name].at_s))
        for name in sorted(last)
    ]
    for actor in (coordinator, *agents):
        ray.kill(actor)
    serve.delete(NAME)
    return {
        "replicas": replicas,
        "slots": arguments.slots,
        "latency_s": arguments.latency,
        "spread": arguments.spread,
        "busy_least": round(min(shares), 3),
        "busy_average": round(sum(shares) / len(shares), 3),
        "most_at_once": max(busy.most for busy in last.values()),
        "decisions_per_s": round((ended.decisions - started.decisions) / seconds, 1),
        "possible_per_s": round(replicas * arguments.slots / arguments.latency, 1),
        "undecided": ended.undecided,
        "cells_finished": ended.cells,
        "cells_in_play": _in_play(folder, ended),
        "cpu_share": round(psutil.cpu_percent() / 100, 2),
    }


def _in_play(folder: Path, progress: Progress) -> int:
    return sum(1 for _ in folder.rglob("*.jsonl")) - progress.cells


def _busy(replicas: int) -> dict[str, Busy]:
    """Ask until every replica has answered: calls go to whichever Serve chooses."""
    handle = serve.get_deployment_handle(NAME, NAME)
    found: dict[str, Busy] = {}
    while len(found) < replicas:
        calls = [handle.busy.remote() for _ in range(2 * replicas)]
        found |= {busy.replica: busy for busy in (call.result() for call in calls)}
    return found


if __name__ == "__main__":
    main()
