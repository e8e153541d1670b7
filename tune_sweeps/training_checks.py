"""What is looked at before a training job starts, on every node where workers will be: memory, files, data, network.

`look_here` is the one place for what a node must show; it raises a `UsageError` that names the node.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import ray

from atp_ray.alignment.memory import GIB, MemoryNeed, ModelSize, memory_need, model_bytes
from atp_ray.alignment.pairs import conversational_rows
from atp_ray.alignment.profiles import DpoProfile, GrpoProfile
from atp_ray.errors import AtpError, UsageError
from atp_ray.paradigms.teaching import TrainingPrompt
from tune_sweeps.deepspeed_start import require_compiler
from tune_sweeps.generation_server import require_address, require_server
from tune_sweeps.training_job import TrainingJob
from tune_sweeps.training_nodes import WorkerNode, answers, require_network, reserved


class JobCheck(NamedTuple):
    """What a run needs of each worker's device and what it has (0: no GPU here), and the model's weights, in bytes;

    `cut` says how many pairs are longer than the profile keeps, `nodes` on how many nodes the workers will be. Of
    several nodes the one with the smallest device counts.
    """

    need: MemoryNeed
    device_bytes: float
    device: str
    cut: int
    model_bytes: float
    nodes: int = 1


def check_job(job: TrainingJob, on_wait: Callable[[str], None] = lambda _: None) -> JobCheck:
    """Look at a job on the nodes where its workers would be; what the cluster cannot hold is estimated anywhere.

    Args:
        on_wait: told in a line what is waited for, if the workers' places are not free at once.

    Raises:
        UsageError: a node cannot load the base, a prompt is too long, a node's torch has no CUDA, nodes do not reach
            each other or the server that writes completions, or a tracker is missing.
        EngineError: the workers' places do not come free in time.
    """
    kind = _kind(job)
    if ray.cluster_resources().get(kind, 0) < job.profile.workers:
        checks: list[JobCheck] = answers([ray.remote(num_cpus=0)(_estimate).remote(job)], "a node")
        return checks[0]
    with reserved(job.profile.workers, job.worker_resources, on_wait) as places:
        nodes = len(places.nodes)
        require_shared(job, nodes)
        require_network(places)
        least = min(places.ask(look_here, job), key=lambda check: check.device_bytes)
    return least._replace(nodes=nodes)


def require_shared(job: TrainingJob, nodes: int) -> None:
    """Refuse what works on one node only.

    Raises:
        UsageError: a server at a loopback address, or a tracker that would write to some node's own disk.
    """
    if isinstance(job.profile, GrpoProfile):
        require_address(job.profile, nodes)
    if nodes > 1 and "mlflow" in job.trackers and not os.environ.get("MLFLOW_TRACKING_URI"):
        hint = "Set MLFLOW_TRACKING_URI to a server that all nodes reach"
        raise UsageError("mlflow would write to the disk of whichever node has the first worker", "--track", hint)


def require_room(job: TrainingJob, check: JobCheck) -> None:
    """Refuse a job that the cluster cannot hold.

    Raises:
        UsageError: too few GPUs or CPUs, or too little memory on them.
    """
    profile, kind = job.profile, _kind(job)
    if (there := ray.cluster_resources().get(kind, 0)) < profile.workers:
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


def look_here(job: TrainingJob, node: WorkerNode) -> JobCheck:
    """Look at a job on a node where workers will be.

    Raises:
        UsageError: what this node lacks.
    """
    for tracker in job.trackers:
        if find_spec(tracker) is None:
            raise UsageError(f"the package {tracker} is not installed on node {node.address}", "--track")
    if job.profile.offload:
        require_compiler(node.address)
    check = _sized(job, *_device(job, node))
    if isinstance(job.profile, GrpoProfile):
        require_server(job.profile, job.source, node.address)
    return check


def _estimate(job: TrainingJob) -> JobCheck:
    """Return what a job needs, on a node that is not one of its own."""
    return _sized(job, "no GPU here" if job.profile.accelerator == "gpu" else "this machine", 0.0, "here")


def _device(job: TrainingJob, node: WorkerNode) -> tuple[str, float, str]:
    """Return the name and the bytes of what a worker has on this node, and the node."""
    import psutil
    import torch

    if job.profile.accelerator == "cpu":
        return "this machine", float(psutil.virtual_memory().available) / node.workers, f"on node {node.address}"
    if not torch.cuda.is_available():
        hint = "Install the CUDA build on every node: make setup PROFILE=cuda"
        raise UsageError(f"node {node.address} has a GPU but its torch has no CUDA", job.profile.name, hint)
    device = torch.cuda.get_device_properties(0)
    return device.name, float(device.total_memory), f"on node {node.address}"


def _sized(job: TrainingJob, device: str, device_bytes: float, where: str) -> JobCheck:
    """Look at the base and the data from this node; no weights are loaded."""
    from transformers import AutoTokenizer

    try:
        source = job.local_source
        size = model_size(source, job.hub_revision)
        tokenizer = AutoTokenizer.from_pretrained(source, revision=job.hub_revision)
        _require_switch(job, tokenizer)
        cut = _cut(job, tokenizer)
    except AtpError:
        raise
    except Exception as error:  # the libraries complain of a damaged checkpoint in their own ways, some unpicklable
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
        hint = "Check its files, its name, or the way to the hub; a folder must be the same on all nodes"
        raise UsageError(f"cannot be loaded {where}: {reason}", job.source, hint) from error
    need = memory_need(job.profile, size, device_bytes)
    return JobCheck(need, device_bytes, device, cut, model_bytes(job.profile, size))


def _require_switch(job: TrainingJob, tokenizer: Any) -> None:
    """Refuse `thinking` where the chat template has no such switch.

    Raises:
        UsageError: on and off give the same prompt.
    """
    if job.profile.thinking is None:
        return
    probe = [{"role": "user", "content": "?"}]
    on, off = (
        tokenizer.apply_chat_template(probe, tokenize=False, add_generation_prompt=True, enable_thinking=switch)
        for switch in (True, False)
    )
    if on == off:
        what = "its chat template does not turn thinking on or off"
        raise UsageError(what, job.source, "--set thinking=null")


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
            max(_tokens(job, tokenizer, [*row["prompt"], *row[side]]) for side in ("chosen", "rejected"))
            for row in rows
        ]
        return sum(length > job.profile.max_length for length in longest)
    prompts = [entry for entry in job.data if isinstance(entry, TrainingPrompt)]
    for prompt in prompts:
        length = _tokens(job, tokenizer, list(prompt.messages), opens_reply=True)
        if length > job.profile.max_prompt:
            what = f"has {length} tokens, more than max_prompt ({job.profile.max_prompt})"
            raise UsageError(what, f"prompt {prompt.prompt_id}", f"--set max_prompt={length}")
    return 0


def _tokens(job: TrainingJob, tokenizer: Any, messages: list[Any], opens_reply: bool = False) -> int:
    options = job.profile.template_options
    made = tokenizer.apply_chat_template(messages, tokenize=True, add_generation_prompt=opens_reply, **options)
    return len(made["input_ids"])


def _kind(job: TrainingJob) -> str:
    (kind,) = job.worker_resources
    return kind
