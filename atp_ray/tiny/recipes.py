"""How the small checkpoints are made: sizes, data and steps of each."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from atp_ray.config_files import Frozen
from atp_ray.play.cells import Embedded


class TinyRecipe(Frozen):
    """Everything that determines a small checkpoint, beside what its paradigms teach; lengths in tokens."""

    hidden: int = 192
    layers: int = 4
    heads: int = 6
    kv_heads: int = 3
    head_dim: int = 32
    feed_forward: int = 384
    vocabulary: int = 2048
    positions: int = 4096
    tokenizer_transcripts: int = Field(default=6000, ge=1)
    learning_rate: float = 2e-3
    warm_up: int = 200
    weight_decay: float = 0.01
    batch: int = Field(default=128, ge=1, description="Transcripts per step.")
    steps: int = Field(default=9000, ge=1)
    seed: int = 0


RECIPES: Mapping[Embedded, TinyRecipe] = {
    "tiny": TinyRecipe(),
    # One question in one layout: a quarter of the parameters will do.
    "tiny-names": TinyRecipe(
        hidden=128, layers=3, heads=4, kv_heads=2, feed_forward=192, vocabulary=640, tokenizer_transcripts=1500,
        learning_rate=2.5e-3, warm_up=60, batch=16, steps=3500,
    ),
}  # fmt: skip
