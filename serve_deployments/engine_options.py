"""From a checkpoint profile to the options of Ray Serve and vLLM; pure, so that it is tested without an engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from atp_ray.adapters import read_adapter
from atp_ray.checkpoint_profiles import ModelProfile
from atp_ray.errors import UsageError
from serve_deployments.engine_groups import EngineGroup

# Where the environment does not say otherwise. vLLM's usage report would leave the machine.
ENGINE_ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
# One process and no spinning between two; vLLM turns its short name, "uni", back into "mp" on CPUs.
UNIPROC_EXECUTOR = "vllm.v1.executor.uniproc_executor.UniProcExecutor"
CPU_BLOCK_TOKENS = 32  # vLLM's own choice on CPUs, 128, is longer than what short prompts share
LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM allows


def runs_on_gpu(profile: ModelProfile, gpus: float) -> bool:
    """Return whether the engine runs on GPUs, given how many the cluster has.

    Raises:
        UsageError: the profile asks for more GPUs than there are.
    """
    wanted = profile.deployment.accelerator
    needed = profile.engine.tensor_parallel_size * profile.engine.pipeline_parallel_size
    if wanted == "cpu" or (wanted == "auto" and gpus < needed):
        return False
    if gpus < needed:
        raise UsageError(
            f"checkpoint '{profile.name}' needs {needed} GPU(s) per replica but the cluster has {gpus:g}",
            hint="Use --address of a GPU cluster, or --checkpoint tiny, which runs on a laptop",
        )
    return True


def llm_options(group: EngineGroup, on_gpu: bool) -> dict[str, Any]:
    """Return the keyword arguments of `ray.serve.llm.LLMConfig`, except `server_cls`."""
    profile, deployment = group.base, group.base.deployment
    replicas = {
        "min_replicas": deployment.min_replicas,
        "max_replicas": max(deployment.min_replicas, deployment.max_replicas),
        "target_ongoing_requests": deployment.target_ongoing_requests,
    }
    environment = dict(ENGINE_ENVIRONMENT)
    if not on_gpu:
        environment["VLLM_CPU_KVCACHE_SPACE"] = str(profile.engine.cpu_kv_cache_gib)
        # With one process vLLM does not set the threads itself.
        environment["OMP_NUM_THREADS"] = str(os.cpu_count() or 1)
    options: dict[str, Any] = {
        "model_loading_config": {"model_id": group.model_id, "model_source": profile.source},
        "engine_kwargs": engine_kwargs(profile, on_gpu) | lora_kwargs(group, on_gpu),
        "deployment_config": {
            "autoscaling_config": replicas,
            "max_ongoing_requests": deployment.max_ongoing_requests,
        },
        "runtime_env": {"env_vars": environment},
        "log_engine_metrics": False,
    }
    if not on_gpu:
        options["accelerator_config"] = {"kind": "cpu"}
    elif deployment.accelerator_type:
        options["accelerator_type"] = deployment.accelerator_type
    return options


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
        if engine.tensor_parallel_size * engine.pipeline_parallel_size == 1:
            kwargs["distributed_executor_backend"] = UNIPROC_EXECUTOR
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
