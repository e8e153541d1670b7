"""One string names a checkpoint everywhere; this module turns it into a frozen profile.

`tiny`, a YAML name from configs/checkpoints, a local folder, a Hugging Face id (`org/name`), `openai:MODEL` for any
compatible endpoint, or `policy:NAME` for a player without a language model.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from atp_ray.cells import CheckpointKind
from atp_ray.config_files import Frozen, config_names, configs_dir, load_yaml, parse_model
from atp_ray.errors import UsageError, suggestion
from atp_ray.sampling import Sampling

POLICIES = ("quantal", "collude", "refrain")
UNFILLED = ""
TRAINED_FROM_TINY = "atp_scope.json"  # travels with the weights, see atp_ray.tiny.scope


class EngineProfile(Frozen):
    """How vLLM runs the model; None leaves vLLM's own choice."""

    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    max_model_len: int | None = Field(default=None, ge=64, description="Longest prompt plus reply, tokens.")
    tensor_parallel_size: int = Field(default=1, ge=1, description="GPUs one replica spans.")
    pipeline_parallel_size: int = Field(default=1, ge=1)
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1, description="Share of GPU memory for one replica.")
    cpu_kv_cache_gib: int = Field(default=1, ge=1, description="KV cache on machines without a GPU, GiB.")
    max_num_seqs: int = Field(default=256, ge=1, description="Requests decoded at once.")
    enforce_eager: bool = Field(default=False, description="Skip compilation: starts sooner, decodes slower.")
    max_lora_rank: int = Field(default=8, ge=1)


class DeploymentProfile(Frozen):
    """How Ray Serve runs the engine."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    accelerator_type: str | None = Field(default=None, description="Ray's name of the GPU, e.g. H100; None takes any.")
    min_replicas: int = Field(default=1, ge=1)
    max_replicas: int = Field(default=1, ge=1)
    target_ongoing_requests: int = Field(default=128, ge=1, description="Per replica, before autoscaling adds one.")
    max_ongoing_requests: int = Field(default=4096, ge=1, description="Per replica, before callers queue.")


class ModelProfile(Frozen):
    """A checkpoint that vLLM serves.

    `source` is a Hugging Face id, a folder, or a folder relative to the project; `adapter` a LoRA folder. Either is
    empty in a profile that waits to be filled with the user's own training result.
    """

    kind: Literal["model"] = "model"
    name: str
    source: str
    revision: str = ""
    adapter: str | None = None
    embedded: bool = Field(default=False, description="The project's own small test checkpoint.")
    sampling: Sampling = Sampling()
    engine: EngineProfile = EngineProfile()
    deployment: DeploymentProfile = DeploymentProfile()
    alternate_roles: bool = Field(default=False, description="Merge neighbouring messages of a role (Gemma).")
    coalesce: int = Field(default=1, ge=1, description="Requests sent in one call; above 1 pays if replies are short.")


class EndpointProfile(Frozen):
    """A checkpoint behind somebody's OpenAI-compatible endpoint."""

    kind: Literal["openai"] = "openai"
    name: str
    model: str
    base_url: str
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = Field(default=64, ge=1, description="Requests in flight per agent host.")
    sampling: Sampling = Sampling()
    alternate_roles: bool = False


class PolicyProfile(Frozen):
    """A player without a language model."""

    kind: Literal["policy"] = "policy"
    name: str
    policy: Literal["quantal", "collude", "refrain"]
    sampling: Sampling = Sampling(attempts=1)


Profile = ModelProfile | EndpointProfile | PolicyProfile


def resolve_checkpoint(name: str, base_url: str | None = None) -> Profile:
    """Return the profile that `name` stands for, its folder found and its weights identified.

    Args:
        base_url: endpoint of an `openai:` checkpoint; the environment's OPENAI_BASE_URL otherwise.

    Raises:
        UsageError: nothing of that name (with a suggestion), or a profile that still waits for a path.
    """
    if name.startswith("policy:"):
        return _policy(name)
    if name.startswith("openai:"):
        return _endpoint(name, base_url)
    path = configs_dir() / "checkpoints" / f"{name}.yaml"
    if path.exists():
        data = load_yaml(path)
        if isinstance(data, dict) and data.get("kind") == "openai":
            return parse_model(EndpointProfile, data, str(path))
        return _identified(parse_model(ModelProfile, data, str(path)), path)
    if (Path(name) / "config.json").exists():
        return _identified(_folder_profile(name), Path(name))
    if name.count("/") == 1 and not Path(name).exists() and not name.startswith((".", "/")):
        return ModelProfile(name=name, source=name)
    known = [*config_names("checkpoints"), *(f"policy:{policy}" for policy in POLICIES)]
    raise UsageError(f"unknown checkpoint '{name}'", "--checkpoint", suggestion(name, known))


def checkpoint_kind(profile: Profile) -> CheckpointKind:
    """Return the label that says what results of this checkpoint are about."""
    if isinstance(profile, ModelProfile):
        return "embedded" if profile.embedded else "model"
    return profile.kind


def _policy(name: str) -> PolicyProfile:
    policy = name.removeprefix("policy:")
    if policy not in POLICIES:
        known = [f"policy:{known}" for known in POLICIES]
        raise UsageError(f"unknown checkpoint '{name}'", "--checkpoint", suggestion(name, known))
    return parse_model(PolicyProfile, {"name": name, "policy": policy}, name)


def _endpoint(name: str, base_url: str | None) -> EndpointProfile:
    url = base_url or os.environ.get("OPENAI_BASE_URL")
    if not url:
        raise UsageError("needs the endpoint's address", name, "Give --base-url URL or set OPENAI_BASE_URL")
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"'{url}' is not an http address", "--base-url", "Example: http://127.0.0.1:8000/v1")
    return EndpointProfile(name=name, model=name.removeprefix("openai:"), base_url=url)


def _identified(profile: ModelProfile, where: Path) -> ModelProfile:
    for field in ("source", "adapter"):
        if getattr(profile, field) == UNFILLED:
            hint = f"Fill `{field}:` with the folder you trained"
            raise UsageError(f"`{field}` is empty: this variant's weights are not public", str(where), hint)
    source = _located(profile.source)
    adapter = _located(profile.adapter) if profile.adapter else None
    if adapter is not None and not (Path(adapter) / "adapter_config.json").exists():
        raise UsageError(
            f"adapter '{profile.adapter}' is not a LoRA folder", str(where), "It needs adapter_config.json"
        )
    if profile.source.startswith((".", "/")) and not (Path(source) / "config.json").exists():
        raise UsageError(f"source '{profile.source}' is not a checkpoint folder", str(where), "It needs config.json")
    folders = [Path(folder) for folder in (source, adapter) if folder and Path(folder).is_dir()]
    revision = profile.revision or (_digest(folders) if folders else "")
    return profile.model_copy(update={"source": source, "adapter": adapter, "revision": revision})


def _folder_profile(name: str) -> ModelProfile:
    """Return the profile of a local folder; what was trained from `tiny` is run, limited and labelled as `tiny` is."""
    if not (Path(name) / TRAINED_FROM_TINY).exists():
        return ModelProfile(name=name, source=name)
    path = configs_dir() / "checkpoints" / "tiny.yaml"
    return parse_model(ModelProfile, load_yaml(path) | {"name": name, "source": name}, str(path))


def _located(source: str) -> str:
    beside = configs_dir().parent / source
    return str(beside) if beside.is_dir() else source


def _digest(folders: list[Path]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*")):
            if path.suffix in (".json", ".safetensors", ".jinja"):
                digest.update(path.name.encode())
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]
