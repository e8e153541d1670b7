"""TRL's DPO trainer from a training profile. Imported only where training happens: TRL and torch are dear."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer

from atp_ray.alignment.pairs import PreferencePair, conversational_rows
from atp_ray.alignment.profiles import DpoProfile
from atp_ray.alignment.trainer_options import adapter_options, common_options, load_model


def dpo_trainer(
    profile: DpoProfile,
    source: str,
    pairs: Sequence[PreferencePair],
    output: Path,
    trackers: Sequence[str] = (),
    revision: str | None = None,
) -> DPOTrainer:
    """Return a DPO trainer of the checkpoint `source` on preference pairs."""
    rows = conversational_rows(pairs)
    if profile.template_options:
        rows = [row | {"chat_template_kwargs": profile.template_options} for row in rows]
    arguments = DPOConfig(
        **common_options(profile, output, trackers),
        max_length=profile.max_length,
        loss_type=["sigmoid"],
        disable_dropout=True,
    )
    return DPOTrainer(
        model=load_model(profile, source, revision),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(source, revision=revision),
        peft_config=adapter_options(profile),
    )
