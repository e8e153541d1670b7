"""What one replica of an engine takes of its GPUs and how fast it may be: an estimate, the sum of parts that are named.

Memory on each GPU, with P parameters of b bytes shared by t x p GPUs (tensor x pipeline parallel):

- usable: the GPU's memory x `gpu_memory_utilization`
- weights: P b / (t p)
- reserve: 1 GiB for libraries and CUDA graphs, the widest activations of the 8192 tokens that vLLM computes at once,
  the scores of all requests' next tokens in 32 bits, twice, and the adapters
- KV cache: the rest. A token takes 2 x layers/p x heads x width x bytes, heads being those of keys and values on a GPU

Speed of a replica (a roofline, with the GPU's figures from its data sheet):

- a prompt is limited by computing: 2 x active parameters x its tokens, at half of the GPUs' operations a second; what
  the prefix cache saves is not counted
- a step of decoding reads the weights and the cache of all requests in flight at 0.7 of the memory's speed, and gives
  each of them a token; where computing takes longer, that is the limit
- replies are taken to be as long as they may be, so decisions a second are a lower bound as far as that goes
"""

from __future__ import annotations

from typing import NamedTuple

from atp_ray.alignment.memory import GIB
from atp_ray.checkpoint.accelerators import Gpu
from atp_ray.checkpoint.model_config import ModelConfig, cache_bytes
from atp_ray.checkpoint.profiles import EngineProfile, ModelProfile
from atp_ray.errors import UsageError
from atp_ray.play.workload import Demand

SMALL_PARAMETERS = 1.5e9  # above it a model is not served on CPUs unless its profile says so
LIBRARY_BYTES = GIB
TOKENS_AT_ONCE = 8192
COMPUTE_SHARE, BANDWIDTH_SHARE = 0.5, 0.7
_LENGTH_STEP = 1024  # advice on lengths is rounded down to it
_WORTH_NAMING = 2048  # a shorter context holds no round of a game with its past


class ReplicaMemory(NamedTuple):
    """Bytes on each GPU of a replica; `token` is what a token's keys and values take, `length` the longest request."""

    usable: float
    weights: float
    reserve: float
    token: float
    length: int

    @property
    def cache(self) -> float:
        """What is left for keys and values; below zero where the weights alone do not fit."""
        return self.usable - self.weights - self.reserve

    @property
    def cache_tokens(self) -> int:
        """Tokens whose keys and values fit."""
        return max(0, int(self.cache / self.token))

    def in_flight(self, engine: EngineProfile, length: float | None = None) -> int:
        """Return how many requests of `length` tokens (None: the longest) are decoded together."""
        return min(engine.max_num_seqs, int(self.cache_tokens // (length or self.length)))


def replica_memory(profile: ModelProfile, config: ModelConfig, gpu_bytes: float, ranks: int = 0) -> ReplicaMemory:
    """Return what a replica takes of each of its GPUs of `gpu_bytes`; `ranks` is the sum of its adapters' ranks."""
    engine, size = profile.engine, config.size()
    tensor, pipeline = engine.tensor_parallel_size, engine.pipeline_parallel_size
    activations = TOKENS_AT_ONCE * (2 * config.hidden_size + 3 * config.intermediate_size / tensor) * 2
    scores = engine.max_num_seqs * config.vocab_size * 4 * 2
    adapters = ranks * size.linear_widths * cache_bytes(engine.dtype) / (tensor * pipeline)
    heads = max(1, config.kv_heads / tensor)
    return ReplicaMemory(
        usable=gpu_bytes * engine.gpu_memory_utilization,
        weights=size.parameters * config.bytes_per_parameter(engine.dtype) / (tensor * pipeline),
        reserve=LIBRARY_BYTES + activations + scores + adapters,
        token=2 * config.num_hidden_layers / pipeline * heads * config.head_width * cache_bytes(engine.dtype),
        length=engine.max_model_len or config.max_position_embeddings,
    )


def require_memory(profile: ModelProfile, config: ModelConfig, gpu: Gpu, ranks: int = 0) -> ReplicaMemory:
    """Return what a replica takes of each GPU; arguments as `replica_memory`.

    Raises:
        UsageError: it cannot hold the weights, or not one request of the longest length; says what would fit.
    """
    tensor = profile.engine.tensor_parallel_size
    if config.num_attention_heads % tensor:
        what = f"has {config.num_attention_heads} attention heads, which {tensor} GPUs cannot share evenly"
        raise UsageError(what, profile.name, f"--tensor-parallel {_evenly(config, tensor)}")
    memory = replica_memory(profile, config, gpu.memory, ranks)
    if memory.cache_tokens >= memory.length:
        return memory
    there = f"an {gpu.name} has {memory.usable / GIB:.1f} GiB of {gpu.memory / GIB:.1f} to use"
    weights, reserve = f"{memory.weights / GIB:.1f}", f"{memory.reserve / GIB:.1f}"
    if memory.cache <= 0:
        need = f"needs {weights} GiB for weights and {reserve} beside them on each GPU"
    else:
        cache = f"{memory.length * memory.token / GIB:.1f} GiB for the cache of a request of {memory.length:,} tokens"
        need = f"needs {cache} beside {weights} for weights and {reserve} for the rest on each GPU"
    raise UsageError(f"{need}, but {there}", profile.name, _advice(profile, config, gpu, memory))


def replica_speed(profile: ModelProfile, config: ModelConfig, gpu: Gpu, in_flight: int, demand: Demand) -> float:
    """Return the decisions a second of a replica that decodes `in_flight` requests together; an estimate."""
    engine = profile.engine
    gpus = engine.tensor_parallel_size * engine.pipeline_parallel_size
    operations, bandwidth = gpu.operations * gpus * COMPUTE_SHARE, gpu.bandwidth * gpus * BANDWIDTH_SHARE
    weights = config.size().parameters * config.bytes_per_parameter(engine.dtype)
    token = 2 * config.num_hidden_layers * config.kv_heads * config.head_width * cache_bytes(engine.dtype)
    prompt = demand.prompt_tokens / max(1, demand.decisions)
    cached = in_flight * (prompt + demand.reply_tokens / 2) * token
    step = max((weights + cached) / bandwidth, 2 * config.active_parameters * in_flight / operations)
    seconds = 2 * config.active_parameters * prompt / operations + demand.reply_tokens * step / max(1, in_flight)
    return 1 / seconds


def _advice(profile: ModelProfile, config: ModelConfig, gpu: Gpu, memory: ReplicaMemory) -> str:
    """Return what would fit: a shorter context, more GPUs to a replica, or neither."""
    ways = []
    shorter = memory.cache_tokens // _LENGTH_STEP * _LENGTH_STEP
    if shorter >= _WORTH_NAMING:
        ways.append(f"--max-model-len {shorter}")
    more = profile.engine.tensor_parallel_size * 2
    while more <= config.num_attention_heads and more <= 8:
        engine = profile.engine.model_copy(update={"tensor_parallel_size": more})
        wider = replica_memory(profile.model_copy(update={"engine": engine}), config, gpu.memory)
        fits = min(wider.cache_tokens // _LENGTH_STEP * _LENGTH_STEP, wider.length)
        if config.num_attention_heads % more == 0 and (fits == wider.length or (not ways and fits >= _WORTH_NAMING)):
            ways.append(f"--tensor-parallel {more}" + (f" --max-model-len {fits}" if fits < wider.length else ""))
            break
        more *= 2
    if gpu.name == "A100":
        ways.append("--gpu-type A100-80G if it has 80 GB")
    return " or ".join(ways) or "Use GPUs with more memory, or a smaller or quantized checkpoint"


def _evenly(config: ModelConfig, tensor: int) -> int:
    return max(n for n in range(1, tensor + 1) if config.num_attention_heads % n == 0)
