"""One Ray cluster of three nodes for all tests here: a head, a worker, and a worker that has no project."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support import wait_until
from times import dear_start

from benchmarks.cluster import Cluster, Node, NodeSpec, can_start

HTTP_PORT = "8000"
# Ray Train's own, one for a cluster and all its jobs; it stays and reserves nothing.
RAYS_OWN = ("_AutoscalingCoordinatorActor",)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster; no command has left anything on it."""
    if not can_start():
        pytest.skip("no network namespaces can be made here")
    with dear_start("cluster"):
        # An engine has room on the node without the project only.
        specs = [NodeSpec(cpus=1), NodeSpec(cpus=1), NodeSpec(cpus=3, bare=True)]
        cluster = Cluster(tmp_path_factory.mktemp("cluster"), specs)
    yield cluster
    cluster.stop()


@pytest.fixture
def folder(cluster: Cluster, request: pytest.FixtureRequest) -> Path:
    """A folder for one test that all nodes see."""
    made = cluster.shared / request.node.name.partition("@")[0]
    made.mkdir()
    return made


# Somebody who is connected all the time: each `ray list` and `ray status` would import Ray anew.
WATCHER = """
import json, sys, ray
from dataclasses import asdict
from ray.util.state import list_actors
ray.init(sys.argv[1], log_to_driver=False, logging_level="ERROR")
for asked in sys.stdin:
    if asked == "actors\\n":
        answer = [asdict(actor) for actor in list_actors(detail=True, limit=1000)]
    else:
        actors = [actor.class_name for actor in list_actors(filters=[("state", "=", "ALIVE")], limit=1000)]
        free = ray.available_resources()
        used = {name: n - free.get(name, 0) for name, n in ray.cluster_resources().items() if name in ("CPU", "GPU")}
        answer = [actors, {name: n for name, n in used.items() if n}]
    print("answer", json.dumps(answer, default=str), flush=True)
"""


class Occupied(NamedTuple):
    """The actors that live on the cluster, and what of its CPUs and GPUs is reserved."""

    actors: list[str]
    reserved: dict[str, float]


@pytest.fixture(scope="session")
def ask_watcher(cluster: Cluster) -> Callable[[str], Any]:
    """Asks somebody on the cluster, who ends with it."""
    line = ["python", "-c", WATCHER, cluster.address]
    watcher = cluster.popen(cluster.head, line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert watcher.stdin is not None
    assert watcher.stdout is not None

    def ask(what: str) -> Any:
        watcher.stdin.write(f"{what}\n")
        watcher.stdin.flush()
        answer = next(line for line in watcher.stdout if line.startswith("answer "))  # Ray too prints
        return json.loads(answer.removeprefix("answer "))

    return ask


@pytest.fixture(scope="session")
def occupied(ask_watcher: Callable[[str], Any]) -> Callable[[], Occupied]:
    """Tells what is on the cluster."""

    def look() -> Occupied:
        actors, reserved = ask_watcher("occupied")
        return Occupied([name for name in actors if name not in RAYS_OWN], reserved)

    return look


@pytest.fixture(scope="session")
def listed_actors(ask_watcher: Callable[[str], Any]) -> Callable[[], list[dict[str, Any]]]:
    """Tells all that Ray says of actors, alive or dead, as `ray list actors --detail`."""
    return lambda: ask_watcher("actors")


@pytest.fixture
def nothing_left(cluster: Cluster, occupied: Callable[[], Occupied]) -> Callable[[], None]:
    """Waits until no actor lives, nothing is reserved and the HTTP port is closed on every node."""

    def left() -> bool:
        return any(occupied()) or any(listens(cluster, node) for node in cluster.nodes)

    return lambda: wait_until(lambda: not left(), "everything on the cluster to end", pause_s=0.5)


def listens(cluster: Cluster, node: Node) -> bool:
    """Return whether anything listens at Serve's port on a node."""
    sockets = cluster.run(node, ["cat", "/proc/net/tcp"]).stdout
    open_ports = {line.split()[1].partition(":")[2] for line in sockets.splitlines()[1:] if line.split()[3] == "0A"}
    return f"{int(HTTP_PORT):04X}" in open_ports
