"""How much memory a training run needs on each worker; pure arithmetic, the sum of parts that are named.

Per worker, with P parameters, T trainable ones, b bytes a parameter (bf16 2, fp32 4) and w workers:

- weights P b; gradients T b; Adam 2 T b, and with DeepSpeed 12 T (a master copy and both moments in 32 bits)
- a reference model P b, unless an adapter is trained: switched off, it is the reference
- ZeRO-2 shares gradients and Adam among the w workers, ZeRO-3 the weights and the reference too; offload moves Adam to
  the host
- activations with gradient checkpointing: tokens x hidden x layers x b, and the logits of all tokens three times in 32
  bits (values, softmax, gradient)
- vLLM beside training: the share of the device that the profile gives it
"""

from __future__ import annotations

from typing import NamedTuple

from atp_ray.alignment.profiles import GrpoProfile, TrainingProfile

GIB = 2**30


class ModelSize(NamedTuple):
    """What of a model its memory depends on; `linear_widths` sums inputs and outputs of all linear layers."""

    parameters: int
    hidden: int
    layers: int
    vocabulary: int
    linear_widths: int


class MemoryNeed(NamedTuple):
    """Bytes on each worker. `fixed` is certain, `activations` an estimate; `generation` is a share of the device."""

    weights: float
    gradients: float
    optimizer: float
    reference: float
    activations: float
    generation: float

    @property
    def fixed(self) -> float:
        """Weights, gradients, optimizer and reference."""
        return self.weights + self.gradients + self.optimizer + self.reference

    @property
    def total(self) -> float:
        """All parts."""
        return self.fixed + self.activations + self.generation


def memory_need(profile: TrainingProfile, size: ModelSize, device_bytes: float) -> MemoryNeed:
    """Return what each worker needs on a device with `device_bytes`."""
    width = 2 if profile.precision == "bf16" else 4
    trained = profile.lora.rank * size.linear_widths if profile.lora else size.parameters
    share = {0: (1, 1), 2: (1, profile.workers), 3: (profile.workers, profile.workers)}[profile.zero]
    on_device = 0 if profile.offload else 1
    weights = size.parameters * width / share[0] + (trained * width if profile.lora else 0)
    adam = trained * (12 if profile.zero else 2 * width) / share[1]
    reference = 0 if profile.lora else size.parameters * width / share[0]
    tokens = _tokens(profile)
    checkpointed = tokens * size.hidden * size.layers * width
    shared = isinstance(profile, GrpoProfile) and profile.generator == "vllm"
    return MemoryNeed(
        weights=weights,
        gradients=trained * width / share[1],
        optimizer=adam * on_device,
        reference=reference,
        activations=checkpointed + 3 * 4 * tokens * size.vocabulary,
        generation=profile.vllm_memory * device_bytes if isinstance(profile, GrpoProfile) and shared else 0,
    )


def model_bytes(profile: TrainingProfile, size: ModelSize) -> float:
    """Return the bytes of the model's weights."""
    return size.parameters * (2 if profile.precision == "bf16" else 4)


def _tokens(profile: TrainingProfile) -> int:
    """Return the tokens of one forward pass; the loss is taken over completions only, but the logits are not."""
    if isinstance(profile, GrpoProfile):
        return profile.batch * (profile.max_prompt + profile.max_completion)
    return 2 * profile.batch * profile.max_length
