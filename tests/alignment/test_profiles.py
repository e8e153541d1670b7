"""Training profiles: the shipped ones, what is refused, DeepSpeed's options and the memory they need."""

import pytest

from atp_ray.alignment.deepspeed_options import zero_options
from atp_ray.alignment.memory import GIB, ModelSize, memory_need
from atp_ray.alignment.profiles import GrpoProfile, generation_warnings, load_profile
from atp_ray.config_files import config_names, configs_dir, load_yaml
from atp_ray.errors import UsageError

# Qwen3-8B, from its published configuration.
QWEN3_8B = ModelSize(8_190_735_360, 4096, 36, 151_936, 36 * (4096 + 4096 + 2 * (4096 + 1024) + 4096 + 4096 + 3 * 16384))


def method_of(name: str) -> str:
    return load_yaml(configs_dir() / "training" / f"{name}.yaml")["method"]


@pytest.mark.parametrize("name", config_names("training"))
def test_every_shipped_profile_is_valid_and_names_a_checkpoint_that_is_shipped(name: str) -> None:
    method = method_of(name)
    profile = load_profile(name, method)
    assert profile.name == name
    assert profile.checkpoint in config_names("checkpoints")
    with pytest.raises(UsageError, match=f"is a profile for {method}"):
        load_profile(name, "grpo" if method == "dpo" else "dpo")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("qwen3-8b-sa-dpo", {"epochs": 12, "learning_rate": 1e-5, "beta": 0.1, "accumulation": 8, "max_length": 4096}),
        ("llama-3.1-8b-instruct-sa-dpo", {"epochs": 12, "learning_rate": 1e-5}),
        ("qwen3-8b-ma-dpo", {"epochs": 12, "learning_rate": 5e-6}),
        ("qwen3-8b-sa-grpo", {"epochs": 6, "learning_rate": 5e-6, "beta": 0.04, "epsilon": 0.2, "group_size": 4}),
        ("llama-3.1-8b-instruct-sa-grpo", {"learning_rate": 1e-6, "lora": None, "zero": 3}),
        ("qwen3-8b-ma-grpo", {"epochs": 6, "learning_rate": 5e-6, "max_prompt": 1024, "max_completion": 2048}),
        ("qwen3-8b-tool-grpo", {"group_size": 8, "learning_rate": 3e-6, "temperature": 0.7}),
    ],
)
def test_the_papers_settings_are_in_their_profiles(name: str, expected: dict) -> None:
    assert load_profile(name, method_of(name)).model_dump(include=set(expected)) == expected


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("tiny-dpo", "betta=1", "Did you mean 'beta'"),
        ("tiny-dpo", "epochs=2", "needs either epochs or steps"),
        ("tiny-dpo", "offload=true", "offload works with DeepSpeed only"),
        ("tiny-dpo", "zero=1", "zero"),
        ("tiny-dpo", "precision=bf16", "lose most of an update"),
        ("tiny-grpo", "group_size=7", "a step does not hold whole groups"),
        ("tiny-grpo", "generation=vllm", "TRL cannot generate by vLLM on CPUs"),
        ("tiny-grpo", "mask_truncated=perhaps", "mask_truncated"),
        ("tiny-dpo", "mask_truncated=true", "mask_truncated"),
        ("qwen3-8b-ma-grpo-lora", "zero=3", "an adapter under ZeRO-3 with vLLM holds the whole base on every GPU"),
        ("qwen3-8b-ma-grpo", "generation=vllm_server", "generation vllm_server needs vllm_server_url"),
        ("qwen3-8b-ma-grpo", "vllm_server_url=http://host:8000", "generation vllm does not use vllm_server_url"),
        ("qwen3-8b-ma-grpo", "vllm_group_port=80", "vllm_group_port"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name: str, setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_profile(name, method_of(name), [setting])


@pytest.mark.parametrize("url", ["host:8000", "http://", "http://0.0.0.0:8000", "ftp://host"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=r"is no server's address. Give the host that other nodes reach it by"):
        load_profile("qwen3-8b-ma-grpo", "grpo", ["generation=vllm_server", f"vllm_server_url={url}"])


def test_a_server_cannot_write_for_training_on_cpus() -> None:
    with pytest.raises(UsageError, match=r"TRL cannot generate by vLLM on CPUs. Set generation: transformers"):
        load_profile("tiny-grpo", "grpo", ["generation=vllm_server", "vllm_server_url=http://host:8000"])


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("qwen3-8b-ma-grpo-lora", [], None),
        ("qwen3-8b-ma-grpo-lora", ["workers=4"], "Several workers with an adapter and vLLM beside training"),
        ("qwen3-8b-ma-grpo", [], "ZeRO-3 with vLLM beside training"),
        ("qwen3-8b-ma-grpo", ["generation=vllm_server", "vllm_server_url=http://host:8000"], None),
        ("qwen3-8b-ma-grpo", ["generation=transformers"], None),
        ("qwen3-8b-ma-dpo", ["workers=4"], None),
    ],
)
def test_what_is_reported_of_trl_is_said_before_it_happens(name: str, settings: list, message: str | None) -> None:
    said = generation_warnings(load_profile(name, method_of(name), settings))
    assert len(said) == (message is not None)
    assert message is None or said[0].startswith(message)


@pytest.mark.parametrize("name", [name for name in config_names("training") if "qwen3-8b" in name])
def test_a_model_that_thinks_in_play_thinks_in_training_and_is_not_blamed_for_being_cut_off(name: str) -> None:
    profile = load_profile(name, method_of(name))
    assert profile.thinking is load_yaml(configs_dir() / "checkpoints" / "qwen3-8b.yaml")["sampling"]["thinking"]
    assert profile.template_options == {"enable_thinking": True}
    # The paper's own rule is that such a reply has decided nothing.
    assert not isinstance(profile, GrpoProfile) or profile.mask_truncated is not name.endswith("-paper")


def test_by_default_the_template_decides_on_thinking_and_the_paper_on_what_is_cut_off() -> None:
    for name in ("tiny-grpo", "llama-3.1-8b-instruct-sa-grpo"):
        profile = load_profile(name, "grpo")
        assert isinstance(profile, GrpoProfile)
        assert (profile.template_options, profile.mask_truncated) == ({}, False)


def test_nested_keys_can_be_set() -> None:
    profile = load_profile("tiny-dpo-lora", "dpo", ["lora.rank=16", "workers=2"])
    assert profile.lora is not None
    assert (profile.lora.rank, profile.lora.alpha, profile.workers) == (16, 16, 2)


def test_completions_come_from_vllm_on_gpus_and_from_transformers_elsewhere() -> None:
    on_gpu, on_cpu = load_profile("qwen3-8b-ma-grpo", "grpo"), load_profile("tiny-grpo", "grpo")
    assert isinstance(on_gpu, GrpoProfile)
    assert isinstance(on_cpu, GrpoProfile)
    assert (on_gpu.generator, on_cpu.generator) == ("vllm", "transformers")


def test_deepspeed_shards_what_the_profile_says_and_saves_whole_models() -> None:
    assert zero_options(load_profile("tiny-dpo", "dpo")) is None
    two = zero_options(load_profile("tiny-dpo", "dpo", ["zero=2", "offload=true"]))
    assert two["zero_optimization"]["stage"] == 2
    assert two["zero_optimization"]["offload_optimizer"]["device"] == "cpu"
    three = zero_options(load_profile("qwen3-8b-ma-grpo", "grpo"))
    assert three["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"]
    assert three["bf16"]["enabled"]


def test_an_adapter_of_qwen3_8b_fits_one_gpu_of_80_gib_and_full_fine_tuning_needs_several() -> None:
    lora = memory_need(load_profile("qwen3-8b-ma-dpo", "dpo"), QWEN3_8B, 80 * GIB)
    assert 15 < lora.weights / GIB < 16
    assert lora.reference == 0
    assert lora.fixed < 16 * GIB
    assert lora.total < 80 * GIB
    alone = memory_need(load_profile("qwen3-8b-ma-grpo", "grpo", ["workers=1", "batch=8"]), QWEN3_8B, 80 * GIB)
    assert alone.fixed > 80 * GIB
    eight = memory_need(load_profile("qwen3-8b-ma-grpo", "grpo"), QWEN3_8B, 80 * GIB)
    assert eight.fixed == pytest.approx(alone.fixed / 8)
    assert eight.generation == 0.3 * 80 * GIB
    offloaded = memory_need(load_profile("qwen3-8b-ma-grpo", "grpo", ["offload=true"]), QWEN3_8B, 80 * GIB)
    assert offloaded.optimizer == 0
