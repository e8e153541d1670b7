"""From a training profile to DeepSpeed's configuration; pure, so that it is tested without DeepSpeed."""

from __future__ import annotations

from typing import Any

from atp_ray.alignment.profiles import CommonProfile


def zero_options(profile: CommonProfile) -> dict[str, Any] | None:
    """Return DeepSpeed's configuration for the profile's ZeRO stage, None without one.

    Batch sizes and clipping are `auto`: Hugging Face's Trainer fills them in from its own arguments.
    """
    if not profile.zero:
        return None
    stage: dict[str, Any] = {"stage": profile.zero, "overlap_comm": profile.accelerator == "gpu"}
    if profile.offload:
        stage["offload_optimizer"] = {"device": "cpu", "pin_memory": profile.accelerator == "gpu"}
    if profile.zero == 3:
        # A saved model is whole: no shards for the user to put together.
        stage["stage3_gather_16bit_weights_on_model_save"] = True
    return {
        "zero_optimization": stage,
        "bf16": {"enabled": profile.precision == "bf16"},
        "gradient_clipping": "auto",
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
    }
