"""What a replica takes of its GPUs: every number here can be checked with a pencil."""

import math

import pytest
from model_configs import LLAMA_70B, QWEN3_8B, config
from support import Late

from atp_ray.alignment.memory import GIB
from atp_ray.checkpoint.accelerators import Gpu, gpu_names, known_gpu
from atp_ray.checkpoint.engine_changes import engine_change, split_settings
from atp_ray.checkpoint.gpu_plan import replica_memory, replica_speed, require_memory
from atp_ray.checkpoint.gpu_shares import GpuNode, Want, share_gpus
from atp_ray.checkpoint.hub import model_config
from atp_ray.checkpoint.model_config import read_config
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import EngineProfile, ModelProfile, PolicyProfile
from atp_ray.errors import UsageError
from atp_ray.play.workload import Demand

training_checks, transformers = Late("tune_sweeps.training_checks"), Late("transformers")


def profile(**engine) -> ModelProfile:
    return ModelProfile(name="it", source="org/it", engine=EngineProfile(dtype="bfloat16", **engine))


def test_parameters_are_those_of_the_published_models() -> None:
    # Embeddings and head 2 x 151936 x 4096; a layer: attention 2 x 4096 x 4096 + 2 x 4096 x 1024, feed-forward
    # 3 x 4096 x 12288.
    layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 12288
    qwen = config(QWEN3_8B)
    assert qwen.size().parameters == 2 * 151_936 * 4096 + 36 * layer == 8_190_427_136
    assert qwen.active_parameters == 8_190_427_136 - 151_936 * 4096
    assert config(LLAMA_70B).size().parameters == pytest.approx(70.55e9, rel=1e-4)
    tied = config(QWEN3_8B | {"tie_word_embeddings": True})
    assert tied.size().parameters == 8_190_427_136 - 151_936 * 4096


def test_experts_count_in_memory_and_the_chosen_ones_in_computing() -> None:
    # Qwen3-30B-A3B: 48 layers, 128 experts of 768, 8 of them for a token.
    numbers = {
        "hidden_size": 2048, "num_hidden_layers": 48, "intermediate_size": 6144, "vocab_size": 151_936,
        "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128, "num_experts": 128,
        "num_experts_per_tok": 8, "moe_intermediate_size": 768,
    }  # fmt: skip
    assert config(numbers).size().parameters == pytest.approx(30.5e9, rel=5e-3)
    assert config(numbers).active_parameters == pytest.approx(3.0e9, rel=0.05)


@pytest.mark.xdist_group("torch")  # which builds the models
@pytest.mark.parametrize("name", ["tiny", "qwen3", "llama"])
def test_the_configuration_alone_says_what_the_built_model_says(name, tmp_path) -> None:
    if name == "tiny":
        source = resolve_checkpoint("tiny").source
    else:
        kind = transformers.Qwen3Config if name == "qwen3" else transformers.LlamaConfig
        kind(**QWEN3_8B | {"num_hidden_layers": 2}).save_pretrained(tmp_path)
        source = str(tmp_path)
    built = training_checks.model_size(source)
    told = model_config(ModelProfile(name=name, source=source)).size()
    assert told.parameters == pytest.approx(built.parameters, rel=2e-3)
    assert (told.hidden, told.layers, told.vocabulary) == (built.hidden, built.layers, built.vocabulary)
    assert told.linear_widths == built.linear_widths


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"hidden_size": "many"}', '{"kv_lora_rank": 512, "hidden_size": 1}'],
)
def test_what_is_built_otherwise_has_no_known_size(text) -> None:
    assert read_config(text) is None


def test_a_model_with_pictures_has_its_text_part_measured() -> None:
    assert config({"text_config": QWEN3_8B, "model_type": "some-vl"}).size().parameters == 8_190_427_136


def test_quantized_weights_take_their_bits() -> None:
    for method, width in (({"quant_method": "fp8"}, 1), ({"quant_method": "awq", "bits": 4}, 0.5)):
        assert config(QWEN3_8B | {"quantization_config": method}).bytes_per_parameter("bfloat16") == width
    assert config(QWEN3_8B).bytes_per_parameter("auto") == 2
    assert config(QWEN3_8B).bytes_per_parameter("float32") == 4


def test_memory_of_one_replica_of_qwen3_8b() -> None:
    memory = replica_memory(profile(max_model_len=16_384), config(QWEN3_8B), 80 * GIB)
    assert memory.usable == 72 * GIB
    assert memory.weights == 2 * 8_190_427_136
    assert memory.token == 2 * 36 * 8 * 128 * 2 == 147_456  # bytes: 144 KiB
    assert memory.reserve == GIB + 8192 * (2 * 4096 + 3 * 12288) * 2 + 256 * 151_936 * 4 * 2
    assert memory.cache == memory.usable - memory.weights - memory.reserve
    assert memory.cache_tokens == int(memory.cache // 147_456) == 398_800
    assert memory.in_flight(EngineProfile()) == 24  # 398800 // 16384
    assert memory.in_flight(EngineProfile(), 1000) == 256  # max_num_seqs, not 398


def test_adapters_take_their_ranks_in_every_layer() -> None:
    # A layer's matrices: 2 x (4096 + 4096), 2 x (4096 + 1024), 3 x (4096 + 12288); rank 16 in 16 bits.
    widths = 36 * (2 * 8192 + 2 * 5120 + 3 * 16_384)
    plain, adapted = (replica_memory(profile(), config(QWEN3_8B), 80 * GIB, ranks) for ranks in (0, 2 * 16))
    assert adapted.reserve - plain.reserve == 2 * 16 * widths * 2
    assert adapted.weights == plain.weights


def test_tensor_parallel_shares_weights_and_heads_until_there_are_no_more() -> None:
    one, eight, sixteen = (
        replica_memory(profile(tensor_parallel_size=n), config(LLAMA_70B), 80 * GIB) for n in (1, 8, 16)
    )
    assert eight.weights == one.weights / 8
    assert (one.token, eight.token, sixteen.token) == (327_680, 40_960, 40_960)
    halves = replica_memory(profile(tensor_parallel_size=4, pipeline_parallel_size=2), config(LLAMA_70B), 80 * GIB)
    assert halves.weights == eight.weights
    assert halves.token == eight.token


@pytest.mark.parametrize(
    ("numbers", "gpu", "engine", "message"),
    [
        (QWEN3_8B, "A10G", {"max_model_len": 32_768}, "needs 4.5 GiB for the cache of a request of 32,768 tokens"),
        (QWEN3_8B, "A10G", {"max_model_len": 32_768}, "--max-model-len 21504 or --tensor-parallel 2"),
        (LLAMA_70B, "H100", {"max_model_len": 16_384}, "needs 131.4 GiB for weights and"),
        (LLAMA_70B, "H100", {"max_model_len": 16_384}, "an H100 has 71.7 GiB of 79.6 to use. .*--tensor-parallel 2"),
        (LLAMA_70B, "L4", {"tensor_parallel_size": 8}, "5.0 GiB for the cache .*--max-model-len 56320"),
        (LLAMA_70B, "L4", {"tensor_parallel_size": 4}, "--tensor-parallel 8 --max-model-len 56320"),
        (LLAMA_70B, "L4", {"tensor_parallel_size": 16, "gpu_memory_utilization": 0.3}, "Use GPUs with more memory"),
        (LLAMA_70B, "A100", {"max_model_len": 16_384}, "or --gpu-type A100-80G if it has 80 GB"),
        (QWEN3_8B, "H100", {"tensor_parallel_size": 3}, "has 32 attention heads, .* 3 GPUs .*--tensor-parallel 2"),
    ],
)
def test_what_does_not_fit_is_refused_with_numbers_and_what_would(numbers, gpu, engine, message) -> None:
    with pytest.raises(UsageError, match=message):
        require_memory(profile(**engine), config(numbers), known_gpu(gpu))


def test_advice_is_taken_as_it_is_given() -> None:
    with pytest.raises(UsageError):
        require_memory(profile(max_model_len=32_768), config(QWEN3_8B), known_gpu("A10G"))
    require_memory(profile(max_model_len=21_504), config(QWEN3_8B), known_gpu("A10G"))
    require_memory(profile(max_model_len=32_768, tensor_parallel_size=2), config(QWEN3_8B), known_gpu("A10G"))


def test_speed_is_what_memory_and_computing_allow() -> None:
    gpu = Gpu("made up", 80 * GIB, bandwidth=1e12, operations=1e15, source="none")
    qwen = config(QWEN3_8B)
    # One request, no prompt, 100 tokens: each reads all weights and 50 tokens of cache at 0.7 TB/s.
    step = (2 * 8_190_427_136 + 50 * 147_456) / 0.7e12
    alone = replica_speed(profile(), qwen, gpu, 1, Demand(1, 1, 0, 100))
    assert alone == pytest.approx(1 / (100 * step))
    # Nothing but a prompt of 1000 tokens and one token of reply: half of the operations a second.
    prompt = 2 * qwen.active_parameters * 1000 / 0.5e15
    decode = (2 * 8_190_427_136 + 1000.5 * 147_456) / 0.7e12
    assert replica_speed(profile(), qwen, gpu, 1, Demand(1, 1, 1000, 1)) == pytest.approx(1 / (prompt + decode))
    assert replica_speed(profile(), qwen, gpu, 64, Demand(64, 64, 0, 100)) > 20 * alone
    four = replica_speed(profile(tensor_parallel_size=4), qwen, gpu, 1, Demand(1, 1, 0, 100))
    assert four == pytest.approx(4 * alone)


def test_every_kind_of_gpu_has_a_source_and_plain_numbers() -> None:
    for name in gpu_names():
        gpu = known_gpu(name)
        assert "data sheet" in gpu.source
        assert 16 * GIB < gpu.memory < 200 * GIB
        assert 100 < gpu.operations / gpu.bandwidth < 500
    assert known_gpu("H100").memory / GIB == pytest.approx(79.6, abs=0.1)
    assert known_gpu("B9000") is None
    assert known_gpu(None) is None


@pytest.mark.parametrize(
    ("wants", "nodes", "expected"),
    [
        ([Want(1)], [8], [8]),
        ([Want(1, most=3)], [8], [3]),
        ([Want(2)], [8, 8], [8]),
        ([Want(8)], [4, 4], None),  # tensor parallel stays on one node
        ([Want(8, together=False)], [4, 4], [1]),
        ([Want(4)], [6, 6], [2]),
        ([Want(4, together=False)], [6, 6], [3]),
        ([Want(1), Want(1)], [1], None),  # two checkpoints, one GPU
        ([Want(1), Want(1)], [2], [1, 1]),
        ([Want(1), Want(1)], [8], [4, 4]),
        ([Want(1), Want(4)], [4, 4], [4, 1]),
        ([Want(1, minimum=5), Want(4)], [8], None),
        ([Want(1, minimum=3, most=3), Want(1)], [8], [3, 5]),
        ([], [8], []),
        ([Want(1)], [], None),
    ],
)
def test_gpus_are_shared_so_that_all_get_their_minimum(wants, nodes, expected) -> None:
    assert share_gpus(wants, [GpuNode(gpus) for gpus in nodes]) == expected


def test_an_engine_for_one_kind_of_gpu_gets_no_other() -> None:
    nodes = [GpuNode(8, "L4"), GpuNode(2, "H100")]
    assert share_gpus([Want(1, kind="H100")], nodes) == [2]
    assert share_gpus([Want(1, kind="H100"), Want(1)], nodes) in ([1, 9], [2, 8])
    assert share_gpus([Want(1, kind="A100")], nodes) is None


def test_flags_and_settings_change_engines_of_models_only() -> None:
    policy = PolicyProfile(name="policy:quantal", policy="quantal")
    settings, rest = split_settings(["engine.max_num_seqs=64", "deployment.accelerator=cpu", "seeds=2", "engines=1"])
    assert rest == ("seeds=2", "engines=1")
    change = engine_change(settings, replicas=2, tensor_parallel=4, max_model_len=2048)
    changed = change.apply({"it": profile(), "policy:quantal": policy})
    assert changed["policy:quantal"] == policy
    engine, deployment = changed["it"].engine, changed["it"].deployment
    assert (engine.max_num_seqs, engine.tensor_parallel_size, engine.max_model_len) == (64, 4, 2048)
    assert (deployment.min_replicas, deployment.max_replicas, deployment.accelerator) == (2, 2, "cpu")
    assert engine.dtype == "bfloat16"
    assert engine_change(()).apply({"it": profile()}) == {"it": profile()}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("engine.max_num_seq=1", "Did you mean 'max_num_seqs'"),
        ("engine.max_num_seqs=0", "max_num_seqs"),
        ("engin.dtype=auto", "unknown key 'engin'. Did you mean 'engine'"),
        ("engine.dtype", "is not key=value"),
        ("engine=3", "engine"),
    ],
)
def test_a_setting_that_no_engine_has_is_refused(setting, message) -> None:
    with pytest.raises(UsageError, match=message):
        engine_change([setting]).apply({"it": profile()})


def test_demands_add_up() -> None:
    total = Demand(1, 2, 300, 40).plus(Demand(10, 20, 3000, 30))
    assert total == Demand(11, 22, 3300, 40)
    assert math.isclose(total.length, 3300 / 22 + 40)
