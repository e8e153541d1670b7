"""The plan of a run's engines, made without starting any."""

from __future__ import annotations

from collections.abc import Iterable

from atp_ray.checkpoint.hub import model_config
from atp_ray.checkpoint.profiles import ModelProfile, Profile
from atp_ray.errors import UsageError
from serve_deployments.cluster_gpus import cluster_gpus, imagined_gpus, machine_gpus
from serve_deployments.engine_groups import engine_groups
from serve_deployments.engine_plans import Planning, plan_engines
from serve_deployments.plan_lines import plan_lines
from tune_sweeps.connection import connected

NO_GPUS = "--gpus 8 --gpu-type H100 plans for other machines, --address for those of a cluster."


def dry_plan(
    profiles: Iterable[Profile], planning: Planning, address: str | None, gpu_hour_price: float | None = None
) -> list[str]:
    """Return a plan's lines: for the GPUs the user told of, else for those of the cluster, else of this machine.

    Where this machine has none, the lines say what that means: a dry run is often made elsewhere.

    Args:
        gpu_hour_price: dollars for an hour of a GPU, None if nobody told.

    Raises:
        UsageError: the engines do not fit.
        EngineError: the cluster cannot be reached.
    """
    groups = engine_groups(profile for profile in profiles if isinstance(profile, ModelProfile))
    if not groups:
        return []
    if planning.told:
        cluster = imagined_gpus(planning.told)
    elif address is not None:
        with connected(address):
            cluster = cluster_gpus()
    else:
        cluster = machine_gpus()
    try:
        return plan_lines(plan_engines(groups, cluster, model_config, planning), gpu_hour_price)
    except UsageError as error:
        if cluster.present or address is not None:
            raise
        return [f"Not on this machine: {error}", NO_GPUS]
