"""TRL on the small checkpoint: rewards from the one parser, the DPO loss as its formula has it, valid profiles."""

import math
import statistics
from pathlib import Path

import pytest
from support import Late

from atp_ray.alignment.pairs import PreferencePair
from atp_ray.alignment.profiles import load_profile
from atp_ray.alignment.rewards import reply_reward
from atp_ray.alignment.training_prompts import training_prompts
from benchmarks.decision_pairs import role_play_pairs

pytestmark = pytest.mark.xdist_group("torch")

torch, transformers = Late("torch"), Late("transformers")
dpo, grpo = Late("atp_ray.alignment.dpo"), Late("atp_ray.alignment.grpo")

OPTIONS = ("invest", "keep money")


@pytest.mark.parametrize(
    ("reply", "reward"),
    [('{"choice": "keep money"}', 1.0), ('{"choice": "invest"}', 0.1), ("I invest", 0.0), ("", 0.0),
     ('{"choice": "invest"} no: {"choice": "keep money"}', 1.0), ('<think>{"choice": "keep money"}', 0.0)],
)  # fmt: skip
def test_rewards_are_the_papers_and_come_from_the_one_parser(reply: str, reward: float) -> None:
    assert reply_reward("games", reply, OPTIONS) == reward
    assert grpo.rewards([[{"role": "assistant", "content": reply}]], ["games"], [list(OPTIONS)], [None]) == [reward]


@pytest.mark.parametrize(
    ("reply", "reward"),
    [
        ("I do. <tool>print(6 * 7)</tool>", 1.0),
        ("So \\boxed{42}", 0.1),
        ("So \\boxed{41}", 0.1),
        ("I give up", 0.0),
    ],
)
def test_in_tool_usage_the_call_is_rewarded_and_a_direct_answer_less_so(reply: str, reward: float) -> None:
    assert reply_reward("tool_usage", reply, OPTIONS, answer="42") == reward


def log_probability(model, tokenizer, pair: PreferencePair, reply: str) -> float:
    opening = [{"role": "system", "content": pair.system}, {"role": "user", "content": pair.prompt}]
    before = tokenizer.apply_chat_template(opening, tokenize=True, add_generation_prompt=True)["input_ids"]
    whole = tokenizer.apply_chat_template([*opening, {"role": "assistant", "content": reply}], tokenize=True)[
        "input_ids"
    ]
    with torch.inference_mode():
        scores = model(torch.tensor([whole])).logits.log_softmax(-1)[0]
    return sum(float(scores[i - 1, whole[i]]) for i in range(len(before), len(whole)))


def test_the_dpo_loss_is_its_formula_and_training_widens_the_margin(tiny, tmp_path: Path) -> None:
    pairs = role_play_pairs(4)
    profile = load_profile("tiny-dpo", "dpo").model_copy(update={"steps": 4, "warm_up": 0.0, "schedule": "constant"})
    trainer = dpo.dpo_trainer(profile, tiny.source, pairs, tmp_path)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    # Before the first step policy and reference are the same: -log sigmoid(0).
    assert float(losses[0]) == pytest.approx(math.log(2), abs=1e-4)
    assert float(losses[-1]) < float(losses[0])
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny.source)
    base = transformers.AutoModelForCausalLM.from_pretrained(tiny.source, dtype=torch.float32).eval()
    model = trainer.model.eval()

    def margin(pair: PreferencePair) -> float:
        gains = [
            log_probability(model, tokenizer, pair, reply) - log_probability(base, tokenizer, pair, reply)
            for reply in (pair.chosen, pair.rejected)
        ]
        return profile.beta * (gains[0] - gains[1])

    ours = [math.log1p(math.exp(-margin(pair))) for pair in pairs]
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(pairs))])
    with torch.inference_mode():
        theirs = float(trainer.compute_loss(trainer.model, batch))
    assert sum(ours) / len(ours) == pytest.approx(theirs, abs=2e-3)


def test_batches_may_be_accumulated_and_the_curve_is_the_same(tiny, tmp_path: Path) -> None:
    curves = []
    for settings in (["batch=4"], ["batch=2", "accumulation=2"]):
        profile = load_profile("tiny-dpo", "dpo", ["steps=4", *settings])
        trainer = dpo.dpo_trainer(profile, tiny.source, role_play_pairs(16), tmp_path / settings[0])
        trainer.train()
        curves.append([float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry])
    assert len(curves[0]) == 4
    assert curves[1] == pytest.approx(curves[0], abs=2e-3)
    assert curves[0][-1] < curves[0][0] - 2e-3  # curves that stand still would agree too


def test_group_advantages_are_rewards_within_their_group_in_standard_deviations(tiny, tmp_path: Path) -> None:
    profile = load_profile("tiny-grpo", "grpo", ["batch=16", "group_size=8"])
    trainer = grpo.grpo_trainer(profile, tiny.source, training_prompts("role_play", 2), tmp_path)
    prompts = [trainer.train_dataset[i] for i in (0, 1) for _ in range(8)]
    trainer.model.train()
    made = trainer._generate_and_score_completions(prompts)
    replies = trainer.processing_class.batch_decode(made["completion_ids"], skip_special_tokens=True)
    scores = [
        reply_reward(row["paradigm"], text, tuple(row["options"])) for text, row in zip(replies, prompts, strict=True)
    ]
    assert len(set(scores)) > 1
    expected = []
    for group in (scores[:8], scores[8:]):
        expected += [(score - statistics.mean(group)) / (statistics.stdev(group) + 1e-4) for score in group]
    assert made["advantages"].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("paradigm", ["role_play", "tool_usage"])
def test_grpo_steps_change_the_weights_towards_what_is_rewarded(paradigm, tiny, tmp_path: Path) -> None:
    profile = load_profile("tiny-grpo", "grpo", ["steps=2", "batch=8", "learning_rate=1e-4", "warm_up=0"])
    trainer = grpo.grpo_trainer(profile, tiny.source, training_prompts(paradigm, 8), tmp_path)
    before = {name: tensor.detach().clone() for name, tensor in trainer.model.named_parameters()}
    trainer.train()
    history = trainer.state.log_history
    seen = [entry for entry in history if "reward" in entry]
    assert len(seen) == 2
    spread = [float(entry["reward_std"]) for entry in seen]
    moved = max(float((tensor - before[name]).abs().max()) for name, tensor in trainer.model.named_parameters())
    # Groups whose rewards are all alike teach nothing; the others must.
    assert (moved > 1e-5) is (max(spread) > 0)
    assert max(spread) > 0


def test_every_setting_of_a_profile_reaches_the_trainer(tiny, tmp_path: Path) -> None:
    shared = {
        "learning_rate": 3e-5, "beta": 0.07, "batch": 4, "accumulation": 2, "warm_up": 0.25, "schedule": "cosine",
        "steps": 9, "save_steps": 3, "seed": 11,
    }  # fmt: skip
    settings = [f"{name}={value}" for name, value in shared.items()]
    by_dpo = dpo.dpo_trainer(
        load_profile("tiny-dpo", "dpo", [*settings, "max_length=200"]), tiny.source, role_play_pairs(8), tmp_path
    )
    extra = ["group_size=4", "max_completion=31", "temperature=0.7", "epsilon=0.13"]
    prompts = training_prompts("role_play", 4)
    by_grpo = grpo.grpo_trainer(load_profile("tiny-grpo", "grpo", [*settings, *extra]), tiny.source, prompts, tmp_path)
    for trainer in (by_dpo, by_grpo):
        found = trainer.args
        assert found.learning_rate == 3e-5
        assert found.beta == 0.07
        assert (found.per_device_train_batch_size, found.gradient_accumulation_steps) == (4, 2)
        assert (found.warmup_steps, str(found.lr_scheduler_type.value)) == (0.25, "cosine")
        assert (found.max_steps, found.save_steps, found.seed) == (9, 3, 11)
        assert (found.save_total_limit, found.logging_steps, found.use_cpu, found.bf16) == (2, 1, True, False)
    assert (by_dpo.args.max_length, by_dpo.args.loss_type) == (200, ["sigmoid"])
    assert (by_grpo.args.num_generations, by_grpo.args.max_completion_length) == (4, 31)
    assert (by_grpo.args.temperature, by_grpo.args.epsilon, by_grpo.args.loss_type) == (0.7, 0.13, "grpo")
    assert (by_grpo.temperature, by_grpo.epsilon_low, by_grpo.epsilon_high, by_grpo.beta) == (0.7, 0.13, 0.13, 0.07)


COLOCATED = {"use_vllm": True, "vllm_mode": "colocate", "vllm_server_base_url": None, "vllm_max_model_length": 3072}
SERVED = {"use_vllm": True, "vllm_mode": "server", "vllm_server_base_url": "http://host:8001", "vllm_group_port": 51300}
SERVER = ["generation=vllm_server", "vllm_server_url=http://host:8001", "vllm_group_port=51300"]
DIRECT = {"chat_template_kwargs": {"enable_thinking": False}, "mask_truncated_completions": False}
THINKING = {"chat_template_kwargs": {"enable_thinking": True}, "mask_truncated_completions": True}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], COLOCATED | THINKING | {"vllm_gpu_memory_utilization": 0.3}),
        (["thinking=false", "mask_truncated=false", "vllm_memory=0.4"], DIRECT | {"vllm_gpu_memory_utilization": 0.4}),
        (["thinking=null"], {"chat_template_kwargs": None}),
        (["generation=transformers"], {"use_vllm": False, "vllm_server_base_url": None}),
        (SERVER, SERVED),
    ],
)
def test_where_completions_come_from_and_what_counts_of_them_reaches_trl(settings, expected, tmp_path: Path) -> None:
    profile = load_profile("qwen3-8b-ma-grpo", "grpo", [*settings, "zero=0", "precision=fp32"])
    # The configuration only, and as if on CPUs: the trainer would load eight billion weights and ask for a GPU.
    config = Late("trl").GRPOConfig(**grpo.grpo_options(profile, tmp_path, ()) | {"use_cpu": True})
    assert {name: getattr(config, name) for name in expected} == expected


@pytest.mark.parametrize(("profile", "method"), [("tiny-dpo-lora", "dpo"), ("tiny-dpo", "dpo")])
def test_an_adapter_has_the_profiles_rank_on_all_linear_layers_and_without_one_all_weights_are_trained(
    profile, method, tiny, tmp_path: Path
) -> None:
    made = load_profile(profile, method, ["steps=1"])
    trainer = dpo.dpo_trainer(made, tiny.source, role_play_pairs(8), tmp_path)
    trained = {name: tensor for name, tensor in trainer.model.named_parameters() if tensor.requires_grad}
    if made.lora is None:
        assert not any("lora" in name for name in trained)
        assert len(trained) == len(list(trainer.model.parameters()))
        return
    down = {name: tensor for name, tensor in trained.items() if "lora_A" in name}
    assert len(trained) == 2 * len(down) == 2 * 7 * trainer.model.config.num_hidden_layers
    assert {tensor.shape[0] for tensor in down.values()} == {made.lora.rank}
