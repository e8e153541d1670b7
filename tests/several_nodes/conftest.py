"""One Ray cluster of three nodes for all tests here: a head, a worker, and a worker that has no project."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

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


@pytest.fixture
def nothing_left(cluster: Cluster) -> Callable[[], None]:
    """Waits until no actor lives, nothing is reserved and the HTTP port is closed on every node."""

    def left() -> str:
        listed = cluster.run(cluster.head, ["ray", "list", "actors", "--filter", "state=ALIVE", "--format", "json"])
        assert listed.returncode == 0, listed.stderr
        some = listed.stdout.lstrip().startswith("[")  # none are told in words
        actors = [actor["class_name"] for actor in json.loads(listed.stdout)] if some else []
        actors = [name for name in actors if name not in RAYS_OWN]
        ports = [node.address for node in cluster.nodes if listens(cluster, node)]
        used = cluster.run(cluster.head, ["ray", "status"]).stdout
        reserved = [
            line.strip() for line in used.splitlines() if line.endswith((" CPU", " GPU")) and " 0.0/" not in line
        ]
        return f"{actors} {ports} {reserved}" if actors or ports or reserved else ""

    return lambda: wait_until(lambda: not left(), "everything on the cluster to end", pause_s=2)


def listens(cluster: Cluster, node: Node) -> bool:
    """Return whether anything listens at Serve's port on a node."""
    sockets = cluster.run(node, ["cat", "/proc/net/tcp"]).stdout
    open_ports = {line.split()[1].partition(":")[2] for line in sockets.splitlines()[1:] if line.split()[3] == "0A"}
    return f"{int(HTTP_PORT):04X}" in open_ports
