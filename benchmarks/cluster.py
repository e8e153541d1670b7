"""Several Ray nodes on one machine: `python -m benchmarks.cluster` starts three and gives a shell on the first.

Each node is a set of Linux namespaces: an address and a loopback of its own, processes of its own, a private /tmp, home
and shared memory. All see one shared folder. Nodes marked `bare` do not see the project, only its Python environment:
what they run of it has to travel. Addresses are loopback addresses, so nothing leaves the machine. GPUs are declared,
not there: for tests of placement.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import psutil

from atp_ray.config_files import configs_dir
from tune_sweeps.connection import QUIET

PORT = 6379
START_S = 600
OBJECT_STORE_BYTES = 100 * 2**20
HOME = "/tmp/home"
# Ends with the process that started it, however that ends, and all that it started with it.
UNSHARE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--fork", "--kill-child"]
# Run as the first process of a node; the arguments are the project, the environment, the shared folder and `bare`.
NODE_SCRIPT = """
set -e
mount --make-rprivate /
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /mnt
mkdir /mnt/project /mnt/venv /mnt/shared
mount --bind "$1" /mnt/project
mount --bind "$2" /mnt/venv
mount --bind "$3" /mnt/shared
mount -t tmpfs tmpfs /tmp
mkdir -p "$1"
if [ "$4" = bare ]; then
    mount -t tmpfs tmpfs "$1"
    mount -t tmpfs tmpfs "$(dirname "$2")"
    mkdir -p "$2"
    mount --bind /mnt/venv "$2"
else
    mount --bind /mnt/project "$1"
fi
mkdir -p "$3" /tmp/home
mount --bind /mnt/shared "$3"
echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
trap "" CHLD
echo ready
exec sleep infinity
"""


@dataclass(frozen=True)
class NodeSpec:
    """What a node declares to Ray, and whether it sees the project."""

    cpus: int = 2
    gpus: int = 0
    bare: bool = False


class Node:
    """A machine of its own, as far as its processes can see.

    Args:
        switch: process id of the network that nodes are plugged into.
        index: from 1; makes the node's address.
    """

    def __init__(self, switch: int, index: int, spec: NodeSpec, shared: Path) -> None:
        self.address = f"127.77.0.{index}"
        self.spec = spec
        project, environment = configs_dir().parent, Path(sys.prefix).resolve()
        command = [*UNSHARE, "--mount", "--pid", "--mount-proc"]
        arguments = [project, environment, shared, "bare" if spec.bare else "whole"]
        self._unshare = subprocess.Popen(
            [*command, "sh", "-c", NODE_SCRIPT, "node", *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        assert self._unshare.stdout is not None
        if self._unshare.stdout.readline() != "ready\n":
            raise RuntimeError("no namespaces can be made here")
        (first,) = psutil.Process(self._unshare.pid).children()
        self._pid = first.pid
        plug = f"plug{index}"
        _network(switch, f"link add {plug} type veth peer name eth0 netns {self._pid}")
        _network(switch, f"link set {plug} master switch up")
        for change in (
            "link set lo up",
            "addr del 127.0.0.1/8 dev lo",
            "addr add 127.0.0.1/32 dev lo",
            f"addr add {self.address}/24 dev eth0",
            "link set eth0 up",
        ):
            _network(self._pid, change)

    def line(self, command: Sequence[object], environment: Mapping[str, str], folder: Path) -> list[str]:
        """Return the command line that runs `command` on this node, in `folder`."""
        variables = [f"{name}={value}" for name, value in environment.items()]
        enter = ["nsenter", "--target", str(self._pid), "--net", "--mount", "--pid", f"--wd={folder}"]
        return [*enter, "env", *variables, *map(str, command)]

    def processes(self, words: str) -> list[psutil.Process]:
        """Return the node's processes whose command line has these words."""
        space = Path(f"/proc/{self._pid}/ns/pid").readlink()
        found = []
        for process in psutil.process_iter():
            with suppress(OSError, psutil.NoSuchProcess):
                here = Path(f"/proc/{process.pid}/ns/pid").readlink() == space
                if here and words in " ".join(process.cmdline()):  # a process that has ended has none
                    found.append(process)
        return found

    def kill(self) -> None:
        """End the node at once, as a power cut does."""
        self._unshare.kill()  # its first process is killed with it, and with that all others
        self._unshare.wait()


class Cluster:
    """A Ray cluster of several nodes; the first is its head.

    Args:
        shared: a folder all nodes see under the same path.

    Raises:
        RuntimeError: namespaces cannot be made here, or Ray does not start.
    """

    def __init__(self, shared: Path, specs: Sequence[NodeSpec] = (NodeSpec(), NodeSpec(), NodeSpec(bare=True))) -> None:
        self.shared = shared
        plugs = "ip link add switch type bridge && ip link set switch up && echo ready && exec sleep infinity"
        self._switch = subprocess.Popen([*UNSHARE, "sh", "-c", plugs], stdout=subprocess.PIPE, text=True)
        self.nodes: list[Node] = []
        try:
            assert self._switch.stdout is not None
            if self._switch.stdout.readline() != "ready\n":
                raise RuntimeError("no namespaces can be made here")
            (switch,) = psutil.Process(self._switch.pid).children()
            self._environment = {
                "HOME": HOME,
                "PATH": f"{Path(sys.prefix).resolve() / 'bin'}:{os.environ['PATH']}",
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": secrets.token_hex(16),
                "RAY_USAGE_STATS_ENABLED": "0",
                # What vLLM has found out about model classes: a home of its own has none of it.
                "VLLM_CACHE_ROOT": os.environ.get("VLLM_CACHE_ROOT", str(Path.home() / ".cache" / "vllm")),
                "RAY_worker_niceness": "0",  # all nodes share these processors with whoever asks them
            } | QUIET
            self._switch_pid, self._made = switch.pid, 0
            for spec in specs:
                self.add(spec)
        except BaseException:
            self.stop()
            raise

    @property
    def head(self) -> Node:
        """The node that holds the cluster together."""
        return self.nodes[0]

    @property
    def address(self) -> str:
        """The cluster's address, as `RAY_ADDRESS` takes it."""
        return f"{self.head.address}:{PORT}"

    def add(self, spec: NodeSpec) -> Node:
        """Start one more node."""
        self._made += 1
        node = Node(self._switch_pid, self._made, spec, self.shared)
        self.nodes.append(node)
        self._start_ray(node)
        return node

    def replace(self, node: Node, spec: NodeSpec) -> Node:
        """End a node as a power cut does, and start another in its stead."""
        self.nodes.remove(node)
        node.kill()
        return self.add(spec)

    def popen(
        self,
        node: Node,
        command: Sequence[object],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        **options: object,
    ) -> subprocess.Popen[str]:
        """Start a command on a node, in the project's folder if no other is given."""
        line = self._line(node, command, environment, folder)
        return subprocess.Popen(line, text=True, **options)  # type: ignore[call-overload,no-any-return]

    def run(
        self,
        node: Node,
        command: Sequence[object],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a node to its end."""
        line = self._line(node, command, environment, folder)
        return subprocess.run(line, capture_output=True, text=True, timeout=START_S, check=False)

    def _line(
        self, node: Node, command: Sequence[object], environment: Mapping[str, str] | None, folder: Path | None
    ) -> list[str]:
        root = Path("/") if node.spec.bare else configs_dir().parent
        return node.line(command, self._environment | (environment or {}), folder or root)

    def stop(self) -> None:
        """End all nodes, and the network between them."""
        for node in self.nodes:
            node.kill()
        self._switch.kill()
        self._switch.wait()

    def _start_ray(self, node: Node) -> None:
        place = ["--head", f"--port={PORT}"] if node is self.head else [f"--address={self.address}"]
        command = [
            "ray", "start", *place, f"--node-ip-address={node.address}", f"--num-cpus={node.spec.cpus}",
            f"--num-gpus={node.spec.gpus}", f"--object-store-memory={OBJECT_STORE_BYTES}", "--disable-usage-stats",
            "--include-log-monitor=false",
        ]  # fmt: skip
        done = self.run(node, command)
        if done.returncode:
            raise RuntimeError(f"Ray does not start on {node.address}: {done.stdout}{done.stderr}")


def can_start() -> bool:
    """Return whether this machine can make the namespaces that nodes need."""
    return os.geteuid() == 0 and all(map(which, ("setpriv", "unshare", "nsenter", "ip")))


def _network(process: int, change: str) -> None:
    subprocess.run(["nsenter", "--target", str(process), "--net", "ip", *change.split()], check=True)


def main(argv: Sequence[str]) -> int:
    """Start a cluster and run a command, by default a shell, on its head; returns that command's exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--gpus", type=int, default=0, help="GPUs that each node declares and does not have")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run on the head; a shell if not given")
    arguments = parser.parse_args(argv)
    if not can_start():
        print("error: several nodes on one machine need root, and setpriv, unshare, nsenter and ip", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="atp_ray-cluster-") as shared:
        start = time.monotonic()
        specs = [NodeSpec(gpus=arguments.gpus, bare=bare) for bare in (False, False, True)]
        cluster = Cluster(Path(shared), specs)
        print(f"three nodes after {time.monotonic() - start:.0f} s; RAY_ADDRESS={cluster.address}; shared: {shared}")
        try:
            return cluster.popen(cluster.head, arguments.command or ["bash"]).wait()
        finally:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
