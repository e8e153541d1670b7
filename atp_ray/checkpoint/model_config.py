"""How large a model is, from its `config.json` alone: parameters, what it computes a token with, bytes of its KV cache.

Counted are embeddings and the matrices of attention and feed-forward, which is what transformers' decoders of the
Llama and Qwen kind consist of, experts included. Norms and biases, less than one parameter in a thousand, are left out.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import AliasChoices, Field, ValidationError

from atp_ray.alignment.memory import ModelSize
from atp_ray.config_files import Foreign

_QUANTIZED_BITS = {"fp8": 8, "compressed-tensors": 8, "mxfp4": 4, "awq": 4, "gptq": 4, "bitsandbytes": 4}


class Quantization(Foreign):
    """How a checkpoint's weights are stored where they are not plain numbers."""

    quant_method: str = ""
    bits: int | None = None


class ModelConfig(Foreign):
    """What the size of a model depends on, by transformers' names."""

    hidden_size: int
    num_hidden_layers: int
    intermediate_size: int
    vocab_size: int
    num_attention_heads: int
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    tie_word_embeddings: bool = False
    max_position_embeddings: int = 4096
    experts: int | None = Field(None, validation_alias=AliasChoices("num_experts", "num_local_experts"))
    experts_per_token: int = Field(0, validation_alias="num_experts_per_tok")
    moe_intermediate_size: int | None = None
    quantization_config: Quantization | None = None

    @property
    def kv_heads(self) -> int:
        """Heads of keys and values."""
        return self.num_key_value_heads or self.num_attention_heads

    @property
    def head_width(self) -> int:
        """Numbers in a head."""
        return self.head_dim or self.hidden_size // self.num_attention_heads

    @property
    def active_parameters(self) -> int:
        """Parameters that one token is multiplied with: the head, attention, and the experts it is sent to."""
        return self._parameters(self.experts_per_token if self.experts else 1, embeddings=1)

    def size(self) -> ModelSize:
        """Return what the memory of training and serving depends on."""
        hidden, heads = self.hidden_size, self.head_width * self.num_attention_heads
        attention = 2 * (hidden + heads) + 2 * (hidden + self.head_width * self.kv_heads)
        feed_forward = 3 * (hidden + self._feed_forward_width) * (self.experts or 1)
        return ModelSize(
            parameters=self._parameters(self.experts or 1, embeddings=1 if self.tie_word_embeddings else 2),
            hidden=hidden,
            layers=self.num_hidden_layers,
            vocabulary=self.vocab_size,
            linear_widths=self.num_hidden_layers * (attention + feed_forward),
        )

    def bytes_per_parameter(self, dtype: str) -> float:
        """Return how many bytes a weight takes in an engine's `dtype`, or as the checkpoint has been quantized."""
        if self.quantization_config is not None:
            bits = self.quantization_config.bits or _QUANTIZED_BITS.get(self.quantization_config.quant_method, 16)
            return bits / 8
        return cache_bytes(dtype)

    @property
    def _feed_forward_width(self) -> int:
        return (self.moe_intermediate_size or self.intermediate_size) if self.experts else self.intermediate_size

    def _parameters(self, experts: int, embeddings: int) -> int:
        heads = self.num_attention_heads + self.kv_heads
        attention = 2 * self.hidden_size * self.head_width * heads
        feed_forward = 3 * self.hidden_size * self._feed_forward_width * experts
        router = self.hidden_size * (self.experts or 0)
        layers = self.num_hidden_layers * (attention + feed_forward + router)
        return layers + embeddings * self.vocab_size * self.hidden_size


def cache_bytes(dtype: str) -> int:
    """Return how many bytes a number of the KV cache takes; vLLM's `auto` is 16 bits, also for weights of 32."""
    return 4 if dtype == "float32" else 2


def read_config(text: str) -> ModelConfig | None:
    """Return the size that a `config.json` tells of, None where it is built in a way that is not known here.

    Latent attention (DeepSeek) and models without attention have another cache.
    """
    try:
        data: Any = json.loads(text)
        inner = data.get("text_config") or data
        return None if "kv_lora_rank" in inner else ModelConfig.model_validate(inner)
    except (ValueError, AttributeError, ValidationError):
        return None
