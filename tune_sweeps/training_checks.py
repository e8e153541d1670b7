"""What is looked at before a training job starts, on a worker's own kind of node: memory, and lengths of the data."""

from __future__ import annotations

from typing import Any, NamedTuple

import ray

from actors.ray_errors import own_error
from atp_ray.alignment.memory import GIB, MemoryNeed, ModelSize, memory_need, model_bytes
from atp_ray.alignment.pairs import conversational_rows
from atp_ray.alignment.profiles import DpoProfile
from atp_ray.errors import AtpError, EngineError, UsageError
from atp_ray.paradigms.teaching import TrainingPrompt
from tune_sweeps.training_job import TrainingJob

CHECK_TIMEOUT_S = 600


class JobCheck(NamedTuple):
    """What a run needs of each worker's device and what it has (0: no GPU here), and the model's weights, in bytes;

    `cut` says how many pairs are longer than the profile keeps.
    """

    need: MemoryNeed
    device_bytes: float
    device: str
    cut: int
    model_bytes: float


def check_job(job: TrainingJob) -> JobCheck:
    """Look at a job where it would run; a profile for GPUs is estimated also where there are none.

    Raises:
        UsageError: the base cannot be loaded, a prompt is too long, or the node's torch has no CUDA.
    """
    on_gpu = job.profile.accelerator == "gpu" and ray.cluster_resources().get("GPU", 0) >= 1
    remote = ray.remote(num_cpus=0, num_gpus=1 if on_gpu else 0)(_check)
    try:
        check: JobCheck = ray.get(remote.remote(job, on_gpu), timeout=CHECK_TIMEOUT_S)
    except ray.exceptions.RayTaskError as error:
        if isinstance(own := own_error(error), AtpError):
            raise own from error
        raise
    except ray.exceptions.GetTimeoutError as error:
        hint = "Wait for other work to end, or give the cluster more nodes"
        raise EngineError("no GPU came free to look at the job", job.profile.name, hint) from error
    return check


def require_room(job: TrainingJob, check: JobCheck) -> None:
    """Refuse a job that the cluster cannot hold.

    Raises:
        UsageError: too few GPUs or CPUs, or too little memory on them.
    """
    profile, resources = job.profile, ray.cluster_resources()
    kind = "GPU" if profile.accelerator == "gpu" else "CPU"
    if (there := resources.get(kind, 0)) < profile.workers:
        hint = "Use --address of a larger cluster, --set workers=N, or a profile for CPUs: tiny-dpo, tiny-grpo"
        raise UsageError(f"needs {profile.workers} {kind}(s) but the cluster has {there:g}", profile.name, hint)
    if check.need.fixed > check.device_bytes:
        hint = "Train an adapter (lora), share the model among more workers (zero: 3), or --set offload=true"
        needed, room = check.need.fixed / GIB, check.device_bytes / GIB
        what = f"needs {needed:.1f} GiB for weights, gradients and optimizer but {check.device} has {room:.1f} GiB"
        raise UsageError(what, profile.name, hint)
    if 0 < check.need.generation < check.model_bytes:
        hint = f"--set vllm_memory={min(0.9, 1.3 * check.model_bytes / check.device_bytes):.2f}"
        raise UsageError("vLLM's share of the device is smaller than the weights", profile.name, hint)


def _check(job: TrainingJob, on_gpu: bool) -> JobCheck:
    import psutil
    import torch
    from transformers import AutoTokenizer

    if job.profile.accelerator == "cpu":
        name, total = "this machine", float(psutil.virtual_memory().available) / job.profile.workers
    elif not on_gpu:
        name, total = "no GPU here", 0.0
    elif torch.cuda.is_available():
        device = torch.cuda.get_device_properties(0)
        name, total = device.name, float(device.total_memory)
    else:
        hint = "Install the CUDA build on every node: make setup PROFILE=cuda"
        raise UsageError("the node has a GPU but its torch has no CUDA", job.profile.name, hint)
    try:
        source = job.local_source
        size = model_size(source, job.hub_revision)
        cut = _cut(job, AutoTokenizer.from_pretrained(source, revision=job.hub_revision))
    except AtpError:
        raise
    except Exception as error:  # the libraries complain of a damaged checkpoint in their own ways, some unpicklable
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
        hint = "Check its files, its name, or the way to the hub"
        raise UsageError(f"cannot be loaded: {reason}", job.source, hint) from error
    return JobCheck(memory_need(job.profile, size, total), total, name, cut, model_bytes(job.profile, size))


def model_size(source: str, revision: str | None = None) -> ModelSize:
    """Return a model's size from its configuration; no weights are loaded."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(source, revision=revision)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    layers = [part for name, part in model.named_modules() if "lm_head" not in name]
    linear = [part for part in layers if isinstance(part, torch.nn.Linear)]
    return ModelSize(
        parameters=sum(tensor.numel() for tensor in model.parameters()),
        hidden=config.hidden_size,
        layers=config.num_hidden_layers,
        vocabulary=config.vocab_size,
        linear_widths=sum(part.in_features + part.out_features for part in linear),
    )


def _cut(job: TrainingJob, tokenizer: Any) -> int:
    """Return how many pairs are longer than TRL will keep; a prompt that is too long for GRPO is an error."""
    if isinstance(job.profile, DpoProfile):
        rows = conversational_rows([entry for entry in job.data if not isinstance(entry, TrainingPrompt)])
        longest = [
            max(_tokens(tokenizer, [*row["prompt"], *row[side]]) for side in ("chosen", "rejected")) for row in rows
        ]
        return sum(length > job.profile.max_length for length in longest)
    prompts = [entry for entry in job.data if isinstance(entry, TrainingPrompt)]
    for prompt in prompts:
        length = _tokens(tokenizer, list(prompt.messages), opens_reply=True)
        if length > job.profile.max_prompt:
            what = f"has {length} tokens, more than max_prompt ({job.profile.max_prompt})"
            raise UsageError(what, f"prompt {prompt.prompt_id}", f"--set max_prompt={length}")
    return 0


def _tokens(tokenizer: Any, messages: list[Any], opens_reply: bool = False) -> int:
    return len(tokenizer.apply_chat_template(messages, tokenize=True, add_generation_prompt=opens_reply)["input_ids"])
