"""Training profiles: YAML files in configs/training with every setting of a DPO or GRPO run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from atp_ray.config_files import Frozen, config_path, load_yaml, parse_model
from atp_ray.errors import UsageError


class Lora(Frozen):
    """A low-rank adapter on all linear layers."""

    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class CommonProfile(Frozen):
    """What both methods have. Exactly one of `epochs` and `steps` is given; lengths in tokens."""

    name: str
    description: str = ""
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
    workers: int = Field(default=1, ge=1)
    accelerator: Literal["cpu", "gpu"] = "gpu"
    save_steps: int = Field(default=50, ge=1)
    worker_failures: int = Field(
        default=3, ge=0, description="Restarts from the last checkpoint; Ray's default is none."
    )
    seed: int = 0


class DpoProfile(CommonProfile):
    """A DPO run (sigmoid loss)."""

    method: Literal["dpo"]
    max_length: int = Field(default=4096, ge=1)


class GrpoProfile(CommonProfile):
    """A GRPO run; rewards are those of `atp_ray.alignment.rewards`."""

    method: Literal["grpo"]
    group_size: int = Field(default=4, ge=2, description="Completions per prompt.")
    epsilon: float = Field(default=0.2, gt=0)
    temperature: float = Field(default=1.0, gt=0)
    max_completion: int = Field(default=2048, ge=1)
    generation: Literal["transformers", "vllm"] = "transformers"


TrainingProfile = Annotated[DpoProfile | GrpoProfile, Field(discriminator="method")]


def load_profile(name: str, method: Literal["dpo", "grpo"]) -> DpoProfile | GrpoProfile:
    """Load a training profile by name or path.

    Raises:
        UsageError: nothing of that name, an invalid file, or a profile of the other method.
    """
    path = config_path("training", name)
    data = load_yaml(path)
    given = data.get("method") if isinstance(data, dict) else None
    if given != method:
        raise UsageError(f"is a profile for {given}, not for {method}", str(path), "Choose another --profile")
    model: type[DpoProfile] | type[GrpoProfile] = DpoProfile if method == "dpo" else GrpoProfile
    profile: DpoProfile | GrpoProfile = parse_model(model, data, str(path))  # type: ignore[type-var]
    if (profile.epochs is None) == (profile.steps is None):
        raise UsageError("needs either epochs or steps", str(path), "Give one of the two")
    return profile
