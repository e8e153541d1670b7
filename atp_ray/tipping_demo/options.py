"""The options of `tipping_demo`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from atp_ray.cli.options import CommandOptions, Count, Folder


class TippingDemoOptions(CommandOptions):
    """Align the embedded checkpoint by DPO and GRPO, and see how fast each variant tips.

    Preference pairs, four LoRA adapters (DPO and GRPO, for the games and for role-play), Figure 3 and Table 1 over base
    and variants, and one figure of both. Every part is one of the project's commands, shown before it runs; the same
    command resumes a demo that was stopped.
    """

    out: Folder = Field(Path("runs/tipping_demo"), description="folder of all parts")
    seeds: Count = Field(5, description="repetitions of every episode")
    rebuild: bool = Field(
        False,
        description="train tiny again first (minutes on a GPU, a night on two cores) instead of using the embedded one",
    )
