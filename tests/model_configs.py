"""Two models by the numbers of their `config.json`, as their makers published them."""

from __future__ import annotations

import json
from pathlib import Path

from atp_ray.checkpoint.model_config import ModelConfig, read_config

QWEN3_8B = {
    "hidden_size": 4096,
    "num_hidden_layers": 36,
    "intermediate_size": 12288,
    "vocab_size": 151_936,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": False,
    "max_position_embeddings": 40_960,
}
LLAMA_70B = {
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "intermediate_size": 28672,
    "vocab_size": 128_256,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": False,
    "max_position_embeddings": 131_072,
}


def config(numbers: dict[str, object]) -> ModelConfig:
    found = read_config(json.dumps(numbers))
    assert found is not None
    return found


def save_config(folder: Path, numbers: dict[str, object]) -> str:
    """Write a model's `config.json` and weights that nobody will read; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(numbers | {"model_type": "qwen3"}))
    (folder / "model.safetensors").write_bytes(b"")
    return str(folder)
