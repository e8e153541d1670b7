"""What is to be started on which GPUs, decided for all engines of a run together before any of them is started."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from atp_ray.checkpoint.accelerators import Gpu, gpu_names, known_gpu
from atp_ray.checkpoint.adapters import read_adapter
from atp_ray.checkpoint.gpu_plan import SMALL_PARAMETERS, ReplicaMemory, replica_speed, require_memory
from atp_ray.checkpoint.gpu_shares import GpuNode, Want, share_gpus
from atp_ray.checkpoint.model_config import ModelConfig
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.errors import ConflictError, UsageError, suggestion
from atp_ray.play.workload import Demand
from serve_deployments.cluster_gpus import ClusterGpus, declared_gpus
from serve_deployments.engine_groups import EngineGroup

Configs = Callable[[ModelProfile], ModelConfig | None]


class EnginePlan(NamedTuple):
    """One engine: replicas at once and at most, and on GPUs what they are, what they hold and how fast they may be.

    `memory` and `gpu` are None where the kind of GPU or the model's configuration is not known here: then nobody has
    looked whether it fits. `slots` are the requests that a replica decodes at most, `in_flight` those of the run's
    length for which its cache has room; `decisions_s` is an estimate for all replicas, `hours` one for the run.
    """

    model_id: str
    on_gpu: bool
    gpus: int
    replicas: int
    most: int
    slots: int
    gpu: Gpu | None = None
    memory: ReplicaMemory | None = None
    in_flight: int | None = None
    decisions_s: float | None = None
    hours: float | None = None


@dataclass(frozen=True)
class Planning:
    """What plans depend on beside engines and cluster: what is asked of each checkpoint, and GPUs the user told of.

    `told` are the GPUs of a cluster that may grow, or of one that is not there; `kind` is what all GPUs are, if told.
    """

    demands: Mapping[str, Demand] = field(default_factory=dict)
    told: tuple[GpuNode, ...] = ()
    kind: str | None = None


def planning_of(gpus: str | None, kind: str | None, demands: Mapping[str, Demand]) -> Planning:
    """Return what --gpus and --gpu-type say, and what is asked of each checkpoint.

    Raises:
        UsageError: no number of GPUs, or an unknown kind.
    """
    if kind is not None and known_gpu(kind) is None:
        raise UsageError(f"unknown kind of GPU '{kind}'", "--gpu-type", suggestion(kind, gpu_names()))
    return Planning(demands, declared_gpus(gpus, kind), kind)


def plan_engines(
    groups: Sequence[EngineGroup], cluster: ClusterGpus, configs: Configs, planning: Planning
) -> list[EnginePlan]:
    """Return how each engine is started, in the order of `groups`.

    Raises:
        UsageError: it will never fit, or a model that is not small would be served on CPUs.
        ConflictError: it does not fit beside what runs now.
    """
    most = _gpus(cluster.largest)
    known = {group.model_id: configs(group.base) for group in groups}
    placed = [group for group in groups if runs_on_gpu(group.base, most, known[group.model_id])]
    plans = {group.model_id: _on_cpu(group) for group in groups}
    drafts = [_draft(group, cluster, known[group.model_id], planning) for group in placed]
    wants = [_want(group, draft, planning) for group, draft in zip(placed, drafts, strict=True)]
    for group, draft, (replicas, later) in zip(placed, drafts, _replicas(placed, wants, cluster), strict=True):
        plan = draft._replace(replicas=replicas, most=later)
        plans[group.model_id] = _with_speed(plan, group, known[group.model_id], _demand(group, planning))
    _require_cpus(groups, list(plans.values()), cluster)
    return list(plans.values())


def engine_cpus(profile: ModelProfile, on_gpu: bool = False) -> int:
    """Return the CPUs that one replica books: its own, and where there is no GPU one for each worker."""
    return 1 + (0 if on_gpu else profile.engine.tensor_parallel_size * profile.engine.pipeline_parallel_size)


def _require_cpus(groups: Sequence[EngineGroup], plans: Sequence[EnginePlan], cluster: ClusterGpus) -> None:
    needed = sum(
        plan.replicas * engine_cpus(group.base, plan.on_gpu) for group, plan in zip(groups, plans, strict=True)
    )
    if cluster.cpus is not None and needed > cluster.cpus:
        hint = "Use --replicas with a smaller number, fewer checkpoints, or more CPUs"
        raise UsageError(f"the engines need {needed} CPUs but the cluster has {cluster.cpus:g}", hint=hint)


def _replicas(groups: Sequence[EngineGroup], wants: Sequence[Want], cluster: ClusterGpus) -> list[tuple[int, int]]:
    """Return how many replicas of each engine are up at once, and how many once the cluster has grown."""
    grows = _gpus(cluster.largest) > _gpus(cluster.present)
    now, later = share_gpus(wants, cluster.free), share_gpus(wants, cluster.largest)
    if later is None:
        raise UsageError(*_never(groups, wants, cluster))
    if now is None and not grows:
        raise ConflictError(*_busy(groups, wants, cluster))
    at_once = now or [want.minimum for want in wants]
    return [(count, max(count, more) if grows else count) for count, more in zip(at_once, later, strict=True)]


def runs_on_gpu(profile: ModelProfile, gpus: float, config: ModelConfig | None = None) -> bool:
    """Return whether the engine runs on GPUs, given how many there may be.

    Raises:
        UsageError: it needs more GPUs than that, or it would be served on CPUs though it is not known to be small.
    """
    wanted = profile.deployment.accelerator
    needed = profile.engine.tensor_parallel_size * profile.engine.pipeline_parallel_size
    if wanted == "cpu":
        return False
    if gpus >= needed:
        return True
    lack = f"needs {needed} GPU(s) per replica but the cluster has {gpus:g}"
    if wanted == "gpu":
        hint = "Use --address of a GPU cluster, or --checkpoint tiny, which runs on a laptop"
        raise UsageError(f"checkpoint '{profile.name}' {lack}", hint=hint)
    if profile.embedded:
        return False
    if config is None or config.size().parameters > SMALL_PARAMETERS:
        size = f"it has {config.size().parameters / 1e9:.1f} B parameters" if config else "its size is not known"
        hint = "Use --address of a GPU cluster, or --set deployment.accelerator=cpu if it shall run on CPUs"
        raise UsageError(f"checkpoint '{profile.name}' {lack}, and {size}: too slow on CPUs", hint=hint)
    return False


def _draft(group: EngineGroup, cluster: ClusterGpus, config: ModelConfig | None, planning: Planning) -> EnginePlan:
    """Return the plan of a group without its replicas, and refuse what no such GPU can hold."""
    base = group.base
    gpus = base.engine.tensor_parallel_size * base.engine.pipeline_parallel_size
    gpu = _smallest_gpu(base, cluster.largest, planning.kind)
    memory = require_memory(base, config, gpu, _ranks(group)) if config and gpu else None
    in_flight = memory.in_flight(base.engine) if memory else None
    return EnginePlan(group.model_id, True, gpus, 0, 0, base.engine.max_num_seqs, gpu, memory, in_flight)


def _ranks(group: EngineGroup) -> int:
    """Return the ranks of a group's adapters together; vLLM gives each the room of the largest."""
    ranks = [read_adapter(Path(member.adapter or "")).r for member in group.adapters]
    return len(ranks) * max(ranks, default=0)


def _smallest_gpu(profile: ModelProfile, nodes: Sequence[GpuNode], told: str | None) -> Gpu | None:
    """Return the GPU with the least memory that a replica may get, None if one of them is not known."""
    wanted = profile.deployment.accelerator_type
    kinds = {told or node.kind for node in nodes if wanted in (None, node.kind)}
    found = [known_gpu(kind) for kind in sorted(kinds, key=str)]
    known = [gpu for gpu in found if gpu is not None]
    return min(known, key=lambda gpu: gpu.memory) if known and len(known) == len(found) else None


def _want(group: EngineGroup, draft: EnginePlan, planning: Planning) -> Want:
    base, demand = group.base, _demand(group, planning)
    minimum, most = base.deployment.min_replicas or 1, base.deployment.max_replicas
    if demand is not None:
        filled = _filled(base, draft.memory, demand)
        most = filled if most is None else min(most, filled)
    most = None if most is None else max(minimum, most)
    return Want(draft.gpus, minimum, most, base.deployment.accelerator_type, keeps_together(base))


def keeps_together(profile: ModelProfile) -> bool:
    """Return whether a replica's GPUs have to lie on one node: tensor parallel is slow across nodes."""
    return profile.engine.pipeline_parallel_size == 1 and not profile.deployment.span_nodes


def _filled(profile: ModelProfile, memory: ReplicaMemory | None, demand: Demand) -> int:
    """Return how many replicas the requests of a run can fill."""
    together = profile.engine.max_num_seqs
    if memory is not None:
        together = max(1, memory.in_flight(profile.engine, min(demand.length, memory.length)))
    return math.ceil(demand.requests / together)


def _demand(group: EngineGroup, planning: Planning) -> Demand | None:
    """Return what all members of a group are asked together."""
    parts = [planning.demands[member.name] for member in group.members if member.name in planning.demands]
    return reduce(Demand.plus, parts) if parts else None


def _with_speed(plan: EnginePlan, group: EngineGroup, config: ModelConfig | None, demand: Demand | None) -> EnginePlan:
    if demand is None or plan.memory is None or plan.gpu is None or config is None or not demand.decisions:
        return plan
    length = min(demand.length, plan.memory.length)
    full = plan.memory.in_flight(group.base.engine, length)
    in_flight = max(1, min(full, math.ceil(demand.requests / plan.most)))
    rate = plan.most * replica_speed(group.base, config, plan.gpu, in_flight, demand)
    return plan._replace(in_flight=full, decisions_s=rate, hours=demand.decisions / rate / 3600)


def _on_cpu(group: EngineGroup) -> EnginePlan:
    engine, deployment = group.base.engine, group.base.deployment
    replicas = deployment.min_replicas or 1
    most = max(replicas, deployment.max_replicas or 1)
    return EnginePlan(group.model_id, False, 0, replicas, most, engine.max_num_seqs)


def _never(groups: Sequence[EngineGroup], wants: Sequence[Want], cluster: ClusterGpus) -> tuple[str, str | None, str]:
    there = _machines(cluster.largest)
    hint = "Use a larger cluster (--gpus N says what this one may grow to), fewer checkpoints, or smaller replicas"
    return f"{_needs(groups, wants)}, but the cluster has {there}", None, hint


def _busy(groups: Sequence[EngineGroup], wants: Sequence[Want], cluster: ClusterGpus) -> tuple[str, str | None, str]:
    held = ", ".join(f"{name} {gpus}" for name, gpus in cluster.holders) or "other work"
    free = f"{_gpus(cluster.free)} of {_gpus(cluster.present)} GPUs are free"
    return (
        f"{_needs(groups, wants)}, but {free} (in use: {held})",
        None,
        "Wait for it to end, or stop it; `python -m atp_ray.checkpoints engines` lists engines that are kept",
    )


def _needs(groups: Sequence[EngineGroup], wants: Sequence[Want]) -> str:
    parts = []
    for group, want in zip(groups, wants, strict=True):
        kind = f" {want.kind}" if want.kind else ""
        where = " on one node" if want.together and want.gpus > 1 else ""
        times = f"{want.minimum} replicas of " if want.minimum > 1 else ""
        parts.append(f"{group.model_id} needs {times}{want.gpus}{kind} GPU(s){where}")
    return " and ".join(parts)


def _machines(nodes: Sequence[GpuNode]) -> str:
    if not nodes:
        return "no GPUs"
    return "GPUs by node: " + ", ".join(f"{node.gpus} {node.kind or ''}".strip() for node in nodes[:8])


def _gpus(nodes: Sequence[GpuNode]) -> int:
    return sum(node.gpus for node in nodes)
