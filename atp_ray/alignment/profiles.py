"""Training profiles: YAML files in configs/training with every setting of a DPO or GRPO run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from atp_ray.config_files import Frozen, added, config_path, load_yaml, parse_model, parse_setting
from atp_ray.errors import UsageError
from atp_ray.paradigms.teaching import Like

Method = Literal["dpo", "grpo"]


class Lora(Frozen):
    """A low-rank adapter on all linear layers."""

    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class CommonProfile(Frozen):
    """What both methods have. Exactly one of `epochs` and `steps` is given; lengths in tokens."""

    name: str
    description: str = ""
    checkpoint: str = Field(default="tiny", description="Base checkpoint, unless the command names another.")
    paradigm: str | None = Field(default=None, description="Whose prompts or pairs; None: the command says.")
    epochs: float | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, ge=1, description="Optimizer steps.")
    learning_rate: float = Field(gt=0)
    beta: float = Field(ge=0, description="Weight of staying close to the base.")
    batch: int = Field(default=1, ge=1, description="Per worker and forward pass; GRPO: completions.")
    accumulation: int = Field(default=8, ge=1)
    warm_up: float = Field(default=0.1, ge=0, lt=1, description="Share of the steps.")
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    precision: Literal["bf16", "fp32"] = "bf16"
    lora: Lora | None = Lora()
    zero: Literal[0, 2, 3] = Field(default=0, description="DeepSpeed ZeRO stage; 0 is plain data parallelism.")
    offload: bool = Field(default=False, description="ZeRO: keep optimizer states in the host's memory.")
    workers: int = Field(default=1, ge=1, description="Ray Train workers; one GPU each.")
    accelerator: Literal["cpu", "gpu"] = "gpu"
    save_steps: int = Field(default=50, ge=1)
    worker_failures: int = Field(
        default=3, ge=0, description="Restarts from the last checkpoint; Ray's default is none."
    )
    seed: int = 0
    like: Like = added("ours", "Whose training data: `paper` has its numbers, whole replies and whole solutions.")
    thinking: bool | None = Field(
        default=None, description="`enable_thinking` of the chat template; None leaves the template's own default."
    )

    @property
    def template_options(self) -> dict[str, bool]:
        """What the chat template is given besides the messages."""
        return {} if self.thinking is None else {"enable_thinking": self.thinking}


class DpoProfile(CommonProfile):
    """A DPO run (sigmoid loss)."""

    method: Literal["dpo"]
    max_length: int = Field(default=4096, ge=1)


class GrpoProfile(CommonProfile):
    """A GRPO run; rewards are those of `atp_ray.alignment.rewards`.

    `generation` `auto` is vLLM inside the training processes on GPUs and transformers elsewhere; `vllm_server` asks a
    `vllm serve` at `vllm_server_url`, an address that every node with workers reaches. The server reaches the first
    worker's node at `vllm_group_port`, where it is sent the weights.
    """

    method: Literal["grpo"]
    group_size: int = Field(default=4, ge=2, description="Completions per prompt.")
    epsilon: float = Field(default=0.2, gt=0)
    temperature: float = Field(default=1.0, gt=0)
    max_prompt: int = Field(default=1024, ge=1, description="Longest prompt; a longer one is refused, not cut.")
    max_completion: int = Field(default=2048, ge=1)
    mask_truncated: bool = Field(
        default=False,
        description="Leave completions cut off at max_completion out of the loss and of their group's average; "
        "otherwise they count as replies without a decision (reward 0).",
    )
    generation: Literal["auto", "transformers", "vllm", "vllm_server"] = "auto"
    vllm_memory: float = Field(default=0.3, gt=0, lt=1, description="Share of GPU memory for vLLM beside training.")
    vllm_server_url: str | None = Field(default=None, description="With vllm_server: http://HOST:PORT.")
    vllm_group_port: int = Field(default=51216, ge=1024, le=65535, description="With vllm_server.")

    @property
    def generator(self) -> Literal["transformers", "vllm", "vllm_server"]:
        """What writes the completions, with `auto` decided."""
        if self.generation != "auto":
            return self.generation
        return "vllm" if self.accelerator == "gpu" else "transformers"


TrainingProfile = DpoProfile | GrpoProfile
_MODELS: dict[Method, type[DpoProfile] | type[GrpoProfile]] = {"dpo": DpoProfile, "grpo": GrpoProfile}


def load_profile(name: str, method: Method, settings: Sequence[str] = ()) -> TrainingProfile:
    """Load a training profile by name or path, with some of its keys changed.

    Args:
        settings: `key=value` strings; dots reach into nested keys, values are YAML.

    Raises:
        UsageError: nothing of that name, an invalid file or setting, or a profile of the other method.
    """
    path = config_path("training", name)
    data = load_yaml(path)
    given = data.get("method") if isinstance(data, dict) else None
    if given != method:
        raise UsageError(f"is a profile for {given}, not for {method}", str(path), "Choose another --profile")
    for text in settings:
        parse_setting(text, _MODELS[method]).put(data)
    return parse_profile(data, f"profile {name}" if settings else str(path))


def parse_profile(data: dict[str, Any], where: str) -> TrainingProfile:
    """Validate a profile.

    Raises:
        UsageError: an unknown method or key, a value out of range, or settings that exclude each other.
    """
    method = data.get("method")
    if method not in _MODELS:
        raise UsageError(f"unknown method '{method}'", where, "Use dpo or grpo")
    profile: TrainingProfile = parse_model(_MODELS[method], data, where)
    if (profile.epochs is None) == (profile.steps is None):
        raise UsageError("needs either epochs or steps", where, "Give one of the two")
    if profile.offload and not profile.zero:
        raise UsageError("offload works with DeepSpeed only", where, "Set zero: 2 or zero: 3")
    if profile.precision == "bf16" and profile.lora is None and not profile.zero:
        hint = "Set zero: 2 or 3, which keep a copy in 32 bits, or train an adapter"
        raise UsageError("plain bf16 weights lose most of an update this small", where, hint)
    if isinstance(profile, GrpoProfile):
        if profile.batch * profile.workers * profile.accumulation % profile.group_size:
            hint = f"Make workers x batch x accumulation a multiple of group_size ({profile.group_size})"
            raise UsageError("a step does not hold whole groups", where, hint)
        _require_generator(profile, where)
    return profile


def _require_generator(profile: GrpoProfile, where: str) -> None:
    """Refuse a generator that the rest of the profile rules out.

    Raises:
        UsageError: vLLM on CPUs, an adapter under ZeRO-3 with vLLM, or no usable address of a server.
    """
    served = profile.generator == "vllm_server"
    if served is not (profile.vllm_server_url is not None):
        what = "needs vllm_server_url" if served else f"does not use vllm_server_url ({profile.vllm_server_url})"
        hint = "Set both: generation: vllm_server and vllm_server_url: http://HOST:8000"
        raise UsageError(f"generation {profile.generator} {what}", where, hint)
    if profile.generator == "transformers":
        return
    if profile.accelerator == "cpu":
        raise UsageError("TRL cannot generate by vLLM on CPUs", where, "Set generation: transformers")
    if profile.lora and profile.zero == 3:
        # TRL merges the adapter with all weights gathered on every GPU, so what ZeRO-3 saves is needed after all.
        hint = "Set zero: 2: the frozen base needs neither gradients nor optimizer"
        raise UsageError("an adapter under ZeRO-3 with vLLM holds the whole base on every GPU", where, hint)
    if profile.vllm_server_url is not None:
        address = urlsplit(profile.vllm_server_url)
        if address.scheme not in ("http", "https") or address.hostname in (None, "0.0.0.0", "::"):
            hint = "Give the host that other nodes reach it by: http://HOST:8000"
            raise UsageError(f"'{profile.vllm_server_url}' is no server's address", f"{where}: vllm_server_url", hint)


def generation_warnings(profile: TrainingProfile) -> list[str]:
    """Return what is reported of TRL with the profile's generator and may stop a run, one line each."""
    if not isinstance(profile, GrpoProfile) or profile.generator != "vllm":
        return []
    warnings = []
    if profile.lora and profile.workers > 1:
        warnings.append(
            "Several workers with an adapter and vLLM beside training were seen to hang after a few steps (TRL issue "
            "3671). If steps stop coming: --set generation=vllm_server, or workers=1."
        )
    if profile.zero == 3:
        warnings.append(
            "ZeRO-3 with vLLM beside training failed while weights were copied in some versions (TRL issue 2840). If "
            "the first step fails: --set generation=vllm_server or generation=transformers."
        )
    return warnings
