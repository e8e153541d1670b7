"""The nodes that a training run's workers will be on: reserved as Ray Train does it, so that each can be asked."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar

import ray
from ray.util.placement_group import PlacementGroup, placement_group, placement_group_table, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from actors.ray_errors import own_error
from atp_ray.errors import AtpError, EngineError, UsageError

WAIT_S = 600.0
NOTICE_S = 5.0
REACH_S = 10.0

T = TypeVar("T")


@dataclass(frozen=True)
class WorkerNode:
    """A node with workers.

    Args:
        address: what other nodes know it by.
        workers: how many it will have.
        bundle: one of its places in the reservation.
    """

    node_id: str
    address: str
    workers: int
    bundle: int


@dataclass(frozen=True)
class Reservation:
    """Places for all workers, and the nodes these are on, in the order of the places."""

    group: PlacementGroup
    resources: dict[str, float]
    nodes: tuple[WorkerNode, ...]

    def ask(self, question: Callable[..., T], *arguments: Any) -> list[T]:
        """Call a function on every node at once, with a worker's resources; arguments: `arguments` and the node.

        Raises:
            AtpError: what the function raised of these.
            EngineError: a node does not answer in time.
        """
        asked = []
        for node in self.nodes:
            place = PlacementGroupSchedulingStrategy(self.group, node.bundle)
            remote = ray.remote(
                num_cpus=self.resources.get("CPU", 0),
                num_gpus=self.resources.get("GPU", 0),
                scheduling_strategy=place,
                max_retries=0,
            )(question)
            asked.append(remote.remote(*arguments, node))
        return answers(asked, "a node that was to train")


def answers(asked: Sequence[Any], who: str) -> list[Any]:
    """Wait for remote calls; an error of ours comes out as itself.

    Raises:
        AtpError: what a call raised of these.
        EngineError: no answer in time.
    """
    try:
        return list(ray.get(list(asked), timeout=WAIT_S))
    except ray.exceptions.RayTaskError as error:
        if isinstance(own := own_error(error), AtpError):
            raise own from error
        raise
    except (ray.exceptions.GetTimeoutError, ray.exceptions.WorkerCrashedError) as error:
        raise EngineError(f"{who} does not answer", "Ray", "Look for it in `ray status`") from error


@contextmanager
def reserved(
    workers: int, resources: dict[str, float], on_wait: Callable[[str], None] = lambda _: None
) -> Iterator[Reservation]:
    """Hold places for all workers, packed into few nodes as Ray Train packs them.

    Args:
        resources: of each worker.
        on_wait: told in a line what is waited for, once, if the places are not free at once.

    Raises:
        EngineError: they do not come free in time.
    """
    group = placement_group([resources] * workers, strategy="PACK")
    try:
        if not group.wait(NOTICE_S):
            on_wait(f"Waiting for {_wanted(workers, resources)}")
            if not group.wait(WAIT_S):
                hint = "Wait for other work to end, or give the cluster more nodes"
                raise EngineError(f"not free in {WAIT_S:.0f} s: {_wanted(workers, resources)}", "Ray", hint)
        yield Reservation(group, resources, _nodes(group))
    finally:
        remove_placement_group(group)


def require_network(reservation: Reservation) -> None:
    """Refuse nodes whose workers cannot reach the first worker, where all of them meet.

    Raises:
        UsageError: a node has joined Ray by an address of its own only, or a connection to the first node fails.
    """
    addresses = [node.address for node in reservation.nodes]
    if len(addresses) == 1:
        return
    require_common_network(addresses)
    first, place = (
        reservation.nodes[0],
        PlacementGroupSchedulingStrategy(reservation.group, reservation.nodes[0].bundle),
    )
    meeting = ray.remote(num_cpus=0, scheduling_strategy=place)(_Meeting).remote()
    try:
        (port,) = answers([meeting.open.remote(first.address)], f"the node {first.address}")
        reservation.ask(_reach, first.address, port)
    finally:
        ray.kill(meeting)


def require_common_network(addresses: Sequence[str]) -> None:
    """Refuse nodes of which some have joined Ray by a loopback address and others have not.

    Raises:
        UsageError: names such a node.
    """
    alone = [address for address in addresses if is_loopback(address)]
    if alone and len(alone) < len(addresses):
        hint = "Start Ray there with --node-ip-address=ADDRESS"
        raise UsageError("a node has joined Ray by an address that no other node reaches", alone[0], hint)


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means the machine that uses it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Meeting:
    """Listens as the first worker will, at a free port of its node's address."""

    def open(self, address: str) -> int:
        """Return the port; whoever connects is let in and out."""
        listener = socket.create_server((address, 0), family=_family(address))
        threading.Thread(target=_let_in, args=(listener,), daemon=True).start()
        return int(listener.getsockname()[1])


def _let_in(listener: socket.socket) -> None:
    while True:
        listener.accept()[0].close()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _reach(address: str, port: int, node: WorkerNode) -> None:
    try:
        socket.create_connection((address, port), timeout=REACH_S).close()
    except OSError as error:
        hint = "Open all ports between the nodes, or start Ray with --node-ip-address of a network that they share"
        what = f"cannot be reached from {node.address}, where another worker is to be: {error}"
        raise UsageError(what, f"{address}:{port}", hint) from error


def _nodes(group: PlacementGroup) -> tuple[WorkerNode, ...]:
    places = placement_group_table(group)["bundles_to_node_id"]
    addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
    workers = Counter(places.values())
    first = {node: bundle for bundle, node in sorted(places.items(), reverse=True)}
    return tuple(
        WorkerNode(node, addresses[node], workers[node], bundle)
        for node, bundle in sorted(first.items(), key=lambda found: found[1])
    )


def _wanted(workers: int, resources: dict[str, float]) -> str:
    """Return what is wanted of how much, and how much of it is free."""
    (kind,) = resources
    free, there = ray.available_resources().get(kind, 0), ray.cluster_resources().get(kind, 0)
    return f"{workers} {kind}(s), {free:g} of {there:g} free"
