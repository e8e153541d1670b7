"""Collect preference pairs from a checkpoint: deploy it, ask it for both sides of every prompt, keep what came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from actors.endpoint_client import EndpointClient
from actors.model_clients import ServeClient
from actors.pair_collector import Collected, PairCollector
from atp_ray.alignment.elicitation import Elicitation
from atp_ray.alignment.pairs import PairLog
from atp_ray.checkpoint.profiles import EndpointProfile, ModelProfile
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.teaching import Like, TrainingPrompt
from atp_ray.play.asking import ModelClient
from atp_ray.sandbox.pool import SandboxPool
from serve_deployments.engine_groups import engine_count
from serve_deployments.engine_plans import Planning
from serve_deployments.lease import leased
from serve_deployments.model_app import deploy_models
from tune_sweeps.connection import connected
from tune_sweeps.engine_capacity import engine_capacity


def collect_pairs(
    profile: ModelProfile | EndpointProfile,
    prompts: Sequence[TrainingPrompt],
    log: PairLog,
    elicitation: Elicitation,
    tries: int,
    address: str | None,
    keep: bool,
    on_done: Callable[[int], None],
    planning: Planning,
    most_tokens: int | None = None,
    like: Like = "ours",
) -> Collected:
    """Collect the pairs that `log` does not hold yet.

    Args:
        like: what is kept of a reply; solutions by the tool are completed in a sandbox of this process.
        keep: leave the engine on a shared cluster.
        most_tokens: once so many are sent and written no further prompt is begun; None is no limit.

    Raises:
        SpendingError: that limit was reached before the last prompt.
        UsageError: the GPUs cannot hold the checkpoint, or this host cannot isolate.
        EngineError: no cluster, the engine does not start, or the model cannot be asked; what was collected is kept.
    """
    models = [profile] if isinstance(profile, ModelProfile) else []
    with (
        connected(address, n_engines=engine_count(models)),
        leased(address is not None, keep) as lease,
    ):
        client: ModelClient
        served = deploy_models(models, lease, planning)
        if isinstance(profile, EndpointProfile):
            client = EndpointClient(profile)
        else:
            client = ServeClient(served.deployments[profile.name])
        capacity = engine_capacity([profile], served.replicas, n_hosts=1)
        at_once = capacity.requests[capacity.engines[profile.name]]

        async def collect() -> Collected:
            tools = SandboxPool() if like == "paper" and _uses_tools(prompts) else None
            if tools is not None:
                await tools.start()
            collector = PairCollector(
                client, profile.name, profile.sampling, elicitation, tries, at_once, most_tokens, like, tools
            )
            try:
                return await collector.collect(prompts, log, on_done)
            finally:
                if tools is not None:
                    await tools.close()

        return asyncio.run(collect())


def _uses_tools(prompts: Sequence[TrainingPrompt]) -> bool:
    return any(paradigm(name).environment.uses_tools for name in {prompt.paradigm for prompt in prompts})
