"""From a checkpoint profile to the options of Ray Serve and vLLM; pure, so that it is tested without an engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from atp_ray.checkpoint.adapters import read_adapter
from atp_ray.checkpoint.profiles import ModelProfile
from atp_ray.errors import UsageError
from serve_deployments.engine_groups import EngineGroup
from serve_deployments.engine_plans import keeps_together
from serve_deployments.prefix_routing import PREFIX_ROUTING

# Where the environment does not say otherwise. vLLM's usage report would leave the machine.
ENGINE_ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
PRELOAD = "serve_deployments.preloading.preload_engine"
CPU_BLOCK_TOKENS = 32  # vLLM's own choice on CPUs, 128, is longer than what short prompts share
HEALTH_CHECK_PERIOD_S, HEALTH_CHECK_TIMEOUT_S = 10, 60
LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM allows


def llm_options(group: EngineGroup, on_gpu: bool) -> dict[str, Any]:
    """Return the keyword arguments of `ray.serve.llm.LLMConfig`."""
    profile = group.base
    options: dict[str, Any] = {
        "model_loading_config": {"model_id": group.model_id, "model_source": profile.source},
        "engine_kwargs": engine_kwargs(profile, on_gpu) | lora_kwargs(group, on_gpu),
        "runtime_env": {"env_vars": engine_environment(profile, on_gpu)},
        "log_engine_metrics": False,
    }
    if not on_gpu:
        options["accelerator_config"] = {"kind": "cpu"}
    elif profile.deployment.accelerator_type:
        options["accelerator_type"] = profile.deployment.accelerator_type
    return options


def deployment_options(profile: ModelProfile, on_gpu: bool, replicas: int = 1, most: int = 1) -> dict[str, Any]:
    """Return the options of `serve.deployment` for an engine: replicas, what each occupies, its environment.

    They occupy what Ray Serve LLM's own builder would book, which imports vLLM into the process that deploys.

    Args:
        replicas: up at once.
        most: what Serve may scale to.
    """
    deployment = profile.deployment
    scaling = {
        "min_replicas": deployment.min_replicas or replicas,
        "initial_replicas": replicas,
        "max_replicas": most,
        "target_ongoing_requests": deployment.target_ongoing_requests,
    }
    routing = {"request_router_config": PREFIX_ROUTING} if deployment.routing == "prefix" and most > 1 else {}
    environment: dict[str, Any] = {"env_vars": engine_environment(profile, on_gpu)}
    if not on_gpu:
        environment["worker_process_setup_hook"] = PRELOAD
    return routing | {
        "autoscaling_config": scaling,
        "max_ongoing_requests": deployment.max_ongoing_requests,
        "max_constructor_retry_count": 1,  # an engine that does not start does not start the next time either
        "health_check_period_s": HEALTH_CHECK_PERIOD_S,
        "health_check_timeout_s": HEALTH_CHECK_TIMEOUT_S,
        "placement_group_bundles": placement_bundles(profile, on_gpu),
        # Without a strict strategy Ray spreads a replica over nodes as soon as one node has not enough GPUs free.
        "placement_group_strategy": "STRICT_PACK" if on_gpu and keeps_together(profile) else "PACK",
        "ray_actor_options": {
            "runtime_env": environment if on_gpu else environment | {"worker_process_setup_hook": PRELOAD}
        },
    }


def placement_bundles(profile: ModelProfile, on_gpu: bool) -> list[dict[str, float]]:
    """Return what one replica occupies: a bundle for each worker, and in the first one CPU for the replica itself."""
    workers = profile.engine.tensor_parallel_size * profile.engine.pipeline_parallel_size
    worker: dict[str, float] = {"GPU": 1} if on_gpu else {"CPU": 1}
    if on_gpu and profile.deployment.accelerator_type:
        worker[f"accelerator_type:{profile.deployment.accelerator_type}"] = 0.001
    return [worker | {"CPU": worker.get("CPU", 0) + 1}, *([worker] * (workers - 1))]


def engine_environment(profile: ModelProfile, on_gpu: bool) -> dict[str, str]:
    """Return the environment variables of an engine's processes."""
    environment = dict(ENGINE_ENVIRONMENT)
    if not on_gpu:
        environment["VLLM_CPU_KVCACHE_SPACE"] = str(profile.engine.cpu_kv_cache_gib)
        # With one process vLLM does not set the threads itself.
        environment["OMP_NUM_THREADS"] = str(profile.engine.cpu_threads or os.cpu_count() or 1)
        if profile.engine.enforce_eager:
            # vLLM would compile two functions of its sampler all the same, with a C++ compiler: 10 s of a core where a
            # client first gives no seed or asks for logprobs.
            environment["TORCH_COMPILE_DISABLE"] = "1"
    return environment


def engine_kwargs(profile: ModelProfile, on_gpu: bool) -> dict[str, Any]:
    """Return vLLM's engine arguments."""
    engine = profile.engine
    kwargs: dict[str, Any] = {
        "dtype": engine.dtype,
        "tensor_parallel_size": engine.tensor_parallel_size,
        "pipeline_parallel_size": engine.pipeline_parallel_size,
        "max_num_seqs": engine.max_num_seqs,
        "enforce_eager": engine.enforce_eager,
        "enable_prefix_caching": True,
        # The checkpoint's generation_config must not override the sampling that is part of an episode's identity.
        "generation_config": "vllm",
    }
    if engine.max_model_len:
        kwargs["max_model_len"] = engine.max_model_len
    if profile.hub_revision:
        kwargs["revision"] = profile.hub_revision
    if on_gpu:
        kwargs["gpu_memory_utilization"] = engine.gpu_memory_utilization
    else:
        # Per-request seeds with chunked prefill kill the CPU engine of vLLM 0.29 ("CPU Generator does not use offset").
        kwargs["enable_chunked_prefill"] = False
        kwargs["block_size"] = CPU_BLOCK_TOKENS
        kwargs["max_num_batched_tokens"] = max(engine.max_model_len or 4096, 8192)
    return kwargs


def lora_kwargs(group: EngineGroup, on_gpu: bool) -> dict[str, Any]:
    """Return vLLM's arguments for the group's adapters; nothing where it has none, as LoRA support costs speed."""
    if not group.adapters:
        return {}
    highest = max(read_adapter(Path(profile.adapter or "")).r for profile in group.adapters)
    rank = next((allowed for allowed in LORA_RANKS if allowed >= highest), None)
    if rank is None:
        raise UsageError(f"an adapter of rank {highest} is above vLLM's {LORA_RANKS[-1]}", group.model_id)
    return {
        "enable_lora": True,
        # vLLM 0.29 on CPUs gives requests for the base, batched beside an adapter, whatever is in the last slot (index
        # -1, vllm-project/vllm#48421): one slot more stays empty, and an empty one is the base.
        "max_loras": len(group.adapters) + (0 if on_gpu else 1),
        "max_lora_rank": rank,
        "lora_modules": [
            {"name": group.adapter_name(profile), "path": profile.adapter, "base_model_name": group.model_id}
            for profile in group.adapters
        ],
    }
