"""What is looked at before a training job starts, on a worker's own kind of node: memory, and lengths of the data."""

from __future__ import annotations

from typing import Any, NamedTuple

import ray

from atp_ray.alignment.memory import GIB, MemoryNeed, ModelSize, memory_need
from atp_ray.alignment.pairs import conversational_rows
from atp_ray.alignment.profiles import DpoProfile, GrpoProfile
from atp_ray.alignment.training_prompts import TrainingPrompt
from atp_ray.errors import AtpError, UsageError
from tune_sweeps.training_job import TrainingJob


class JobCheck(NamedTuple):
    """What a run needs of each worker's device and what it has, in bytes; and how many pairs will be cut."""

    need: MemoryNeed
    device_bytes: float
    device: str
    cut: int


def check_job(job: TrainingJob) -> JobCheck:
    """Look at a job where it would run.

    Raises:
        UsageError: the cluster has too few GPUs, the device too little memory, or a prompt is too long.
    """
    gpus = ray.cluster_resources().get("GPU", 0)
    on_gpu = job.profile.accelerator == "gpu"
    if on_gpu and gpus < job.profile.workers:
        hint = "Use --address of a GPU cluster, --set workers=N, or a profile for CPUs: tiny-dpo, tiny-grpo"
        raise UsageError(f"needs {job.profile.workers} GPU(s) but the cluster has {gpus:g}", job.profile.name, hint)
    remote = ray.remote(num_cpus=0, num_gpus=1 if on_gpu else 0)(_check)
    try:
        check: JobCheck = ray.get(remote.remote(job))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, AtpError):
            raise error.cause from error
        raise
    if check.need.fixed > check.device_bytes:
        hint = "Train an adapter (lora), share the model among more workers (zero: 3), or --set offload=true"
        needed, there = check.need.fixed / GIB, check.device_bytes / GIB
        what = f"needs {needed:.1f} GiB for weights, gradients and optimizer but {check.device} has {there:.1f} GiB"
        raise UsageError(what, job.profile.name, hint)
    return check


def _check(job: TrainingJob) -> JobCheck:
    import psutil
    import torch
    from transformers import AutoTokenizer

    if job.profile.accelerator == "gpu":
        if not torch.cuda.is_available():
            hint = "Install the CUDA build on every node: make setup PROFILE=cuda"
            raise UsageError("the node has a GPU but its torch has no CUDA", job.profile.name, hint)
        device = torch.cuda.get_device_properties(0)
        name, total = device.name, float(device.total_memory)
    else:
        name, total = "this machine", float(psutil.virtual_memory().available) / job.profile.workers
    try:
        size = model_size(job.source)
        cut = _cut(job, AutoTokenizer.from_pretrained(job.source))
    except AtpError:
        raise
    except Exception as error:  # the libraries complain of a damaged checkpoint in their own ways, some unpicklable
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
        hint = "Check its files, its name, or the way to the hub"
        raise UsageError(f"cannot be loaded: {reason}", job.source, hint) from error
    return JobCheck(memory_need(job.profile, size, total), total, name, cut)


def model_size(source: str) -> ModelSize:
    """Return a model's size from its configuration; no weights are loaded."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(source)
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
    assert isinstance(job.profile, GrpoProfile)
    for prompt in job.data:
        if isinstance(prompt, TrainingPrompt):
            length = _tokens(tokenizer, list(prompt.messages))
            if length > job.profile.max_prompt:
                what = f"has {length} tokens, more than max_prompt ({job.profile.max_prompt})"
                raise UsageError(what, f"prompt {prompt.prompt_id}", f"--set max_prompt={length}")
    return 0


def _tokens(tokenizer: Any, messages: list[Any]) -> int:
    return len(tokenizer.apply_chat_template(messages, tokenize=True)["input_ids"])
