"""What a checkpoint is: a model that vLLM serves, somebody's endpoint, or a policy without a language model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from atp_ray.config_files import Frozen
from atp_ray.play.cells import CheckpointKind
from atp_ray.play.sampling import Sampling


class EngineProfile(Frozen):
    """How vLLM runs the model; None leaves vLLM's own choice."""

    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    max_model_len: int | None = Field(default=None, ge=64, description="Longest prompt plus reply, tokens.")
    tensor_parallel_size: int = Field(default=1, ge=1, description="GPUs one replica spans.")
    pipeline_parallel_size: int = Field(default=1, ge=1)
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1, description="Share of GPU memory for one replica.")
    cpu_kv_cache_gib: int = Field(default=1, ge=1, description="KV cache on machines without a GPU, GiB.")
    cpu_threads: int | None = Field(
        default=None, ge=1, description="Threads on machines without a GPU; None takes all."
    )
    max_num_seqs: int = Field(default=256, ge=1, description="Requests decoded at once.")
    enforce_eager: bool = Field(default=False, description="Skip compilation: starts sooner, decodes slower.")


class DeploymentProfile(Frozen):
    """How Ray Serve runs the engine."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    accelerator_type: str | None = Field(default=None, description="Ray's name of the GPU, e.g. H100; None takes any.")
    min_replicas: int | None = Field(default=None, ge=1, description="None: all that are planned, up at once.")
    max_replicas: int | None = Field(
        default=None, ge=1, description="None: as many as the GPUs hold and the run can fill; one on CPUs."
    )
    routing: Literal["load", "prefix"] = Field(
        default="load", description="Which replica gets a request: the less busy one, or one that knows its beginning."
    )
    span_nodes: bool = Field(default=False, description="The GPUs of a replica may lie on several nodes.")
    target_ongoing_requests: int = Field(default=128, ge=1, description="Per replica, before autoscaling adds one.")
    max_ongoing_requests: int = Field(default=4096, ge=1, description="Per replica, before callers queue.")


class TokenPrice(Frozen):
    """Dollars for a million tokens."""

    input: float = Field(ge=0, description="For tokens of prompts.")
    output: float = Field(ge=0, description="For tokens of replies, thinking included.")


class ModelProfile(Frozen):
    """A checkpoint that vLLM serves.

    `source` is a Hugging Face id, a folder, or a folder relative to the project; `adapter` a LoRA folder.
    """

    kind: Literal["model"] = "model"
    name: str
    source: str
    hub_revision: str = Field(default="", description="Branch, tag or commit on the hub; empty takes the default.")
    revision: str = Field(default="", description="Which weights these are: digest of local files, else hub_revision.")
    adapter: str | None = None
    embedded: bool = Field(default=False, description="The project's own small test checkpoint.")
    sampling: Sampling = Sampling()
    engine: EngineProfile = EngineProfile()
    deployment: DeploymentProfile = DeploymentProfile()
    alternate_roles: bool = Field(default=False, description="Merge neighbouring messages of a role (Gemma).")
    coalesce: int = Field(default=1, ge=1, description="Requests sent in one call; above 1 pays if replies are short.")
    price: TokenPrice | None = Field(
        default=None, description="None: the price list's, or none on machines of one's own."
    )
    usual_reply_tokens: int | None = Field(
        default=None, ge=1, description="Tokens of a usual reply, for estimates; None assumes a share of max_tokens."
    )


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
    price: TokenPrice | None = Field(
        default=None, description="None: the price list's, or none on machines of one's own."
    )
    usual_reply_tokens: int | None = Field(
        default=None, ge=1, description="Tokens of a usual reply, for estimates; None assumes a share of max_tokens."
    )


class PolicyProfile(Frozen):
    """A player without a language model."""

    kind: Literal["policy"] = "policy"
    name: str
    policy: Literal["quantal", "collude", "refrain"]
    sampling: Sampling = Sampling(attempts=1)


class FittedProfile(Frozen):
    """A response model fitted to what a checkpoint did, played without the checkpoint.

    `response` is the file that `foresight fit` wrote, as text, so that it is wherever its agents are.
    """

    kind: Literal["fitted"] = "fitted"
    name: str
    revision: str
    paradigm: str
    response: str
    sampling: Sampling = Sampling(attempts=1)


Modelless = PolicyProfile | FittedProfile
MODELLESS_KINDS = ("policy", "fitted")
Profile = ModelProfile | EndpointProfile | Modelless


def checkpoint_kind(profile: Profile) -> CheckpointKind:
    """Return the label that says what results of this checkpoint are about."""
    if isinstance(profile, ModelProfile):
        return "embedded" if profile.embedded else "model"
    return profile.kind
