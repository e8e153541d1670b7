"""The GPUs of a cluster: what it has, what of that is free now and who has the rest, and what it may grow to.

What it may grow to is, in this order: what the user says (`--gpus`); the cluster configuration that an autoscaler
reports to Ray (`ray._private.state`, which Ray Data and Train ask too); the file that `ray up` leaves on the head node.
KubeRay tells its pods nothing of `maxReplicas`: there the user has to say it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray._private import state
from ray._private.accelerators.nvidia_gpu import NvidiaGPUAcceleratorManager
from ray.util import placement_group_table

from atp_ray.checkpoint.gpu_shares import GpuNode
from atp_ray.config_files import load_yaml
from atp_ray.errors import UsageError

BOOTSTRAP_FILE = Path("~/ray_bootstrap_config.yaml")
GPUS_A_MACHINE = 8
_KIND = "accelerator_type:"
_REPLICA = "SERVE_REPLICA::"
_MOST_NODES = 1000  # stands for a node group without a bound


class ClusterGpus(NamedTuple):
    """GPUs by machine: all, those free now, and all there may be one day; who holds how many; and CPUs if known."""

    present: tuple[GpuNode, ...]
    free: tuple[GpuNode, ...]
    largest: tuple[GpuNode, ...]
    holders: tuple[tuple[str, int], ...] = ()
    cpus: float | None = None


def declared_gpus(text: str | None, kind: str | None = None) -> tuple[GpuNode, ...]:
    """Read `8`, or `2x8` for two machines of eight; more than eight GPUs are on machines of eight.

    Raises:
        UsageError: neither form.
    """
    if text is None:
        return ()
    match = re.fullmatch(r"(?:(\d{1,3})x)?(\d{1,4})", text)
    if match is None or not int(match[2]):
        raise UsageError(
            f"'{text}' is no number of GPUs", "--gpus", "Example: --gpus 8, or --gpus 2x8 for two machines"
        )
    gpus = int(match[2])
    if match[1] is not None:
        return (GpuNode(gpus, kind),) * int(match[1])
    whole, rest = divmod(gpus, GPUS_A_MACHINE)
    return (GpuNode(GPUS_A_MACHINE, kind),) * whole + ((GpuNode(rest, kind),) if rest else ())


def imagined_gpus(nodes: tuple[GpuNode, ...]) -> ClusterGpus:
    """Return a cluster of these machines, all free."""
    return ClusterGpus(nodes, nodes, nodes)


def machine_gpus() -> ClusterGpus:
    """Return the GPUs of this machine; no Ray is needed."""
    manager = NvidiaGPUAcceleratorManager
    count = manager.get_current_node_num_accelerators()
    return imagined_gpus((GpuNode(count, manager.get_current_node_accelerator_type()),) if count else ())


def cluster_gpus(may_grow_to: tuple[GpuNode, ...] = ()) -> ClusterGpus:
    """Return the GPUs of the cluster that this process is connected to."""
    found = _read()
    return found._replace(largest=_larger(may_grow_to, found.largest)) if may_grow_to else found


def _read() -> ClusterGpus:
    available = state.available_resources_per_node()
    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("GPU", 0) >= 1]
    present = tuple(_node(node["Resources"]) for node in alive)
    free = tuple(_node(node["Resources"], available.get(node["NodeID"], {}).get("GPU", 0)) for node in alive)
    taken = sum(node.gpus for node in present) - sum(node.gpus for node in free)
    grown = _node_groups() or _bootstrap_groups()
    holders = _holders(placement_group_table().values(), taken)
    return ClusterGpus(present, free, _larger(grown, present), holders, ray.cluster_resources().get("CPU", 0))


def _node(resources: Mapping[str, Any], gpus: float | None = None) -> GpuNode:
    kinds = [name.removeprefix(_KIND) for name in resources if name.startswith(_KIND)]
    # A node that is marked `A100-80G` by hand is an `A100` too.
    return GpuNode(int(resources.get("GPU", 0) if gpus is None else gpus), max(kinds, key=len, default=None))


def _larger(one: tuple[GpuNode, ...], other: tuple[GpuNode, ...]) -> tuple[GpuNode, ...]:
    return max(one, other, key=lambda nodes: sum(node.gpus for node in nodes))


def _holders(groups: Iterable[Mapping[str, Any]], taken: int) -> tuple[tuple[str, int], ...]:
    """Return who holds the GPUs that are taken: Serve's applications by name, and all else together."""
    counts = Counter[str]()
    for group in groups:
        gpus = sum(int(bundle.get("GPU", 0)) for bundle in group["bundles"].values())
        if group["state"] == "CREATED" and gpus and group["name"].startswith(_REPLICA):
            counts[group["name"].removeprefix(_REPLICA).partition("#")[0]] += gpus
    rest = taken - sum(counts.values())
    return (*counts.items(), *([("other work", rest)] if rest > 0 else []))


def _node_groups() -> tuple[GpuNode, ...]:
    config = state.state.get_cluster_config()
    groups = [] if config is None else config.node_group_configs
    return _nodes((group.resources, _MOST_NODES if group.max_count < 0 else group.max_count) for group in groups)


def _bootstrap_groups() -> tuple[GpuNode, ...]:
    path = BOOTSTRAP_FILE.expanduser()
    if not path.is_file():
        return ()
    config = load_yaml(path)
    types, most = config.get("available_node_types", {}).values(), config.get("max_workers", 0)
    return _nodes((kind.get("resources", {}), min(most, kind.get("max_workers", most))) for kind in types)


def _nodes(groups: Iterable[tuple[Mapping[str, Any], int]]) -> tuple[GpuNode, ...]:
    return tuple(
        _node(resources) for resources, count in groups if resources.get("GPU", 0) >= 1 for _ in range(int(count))
    )
