"""TRL on the small checkpoint: rewards from the one parser, the DPO loss as its formula has it, valid profiles."""

import math
import statistics
from pathlib import Path

import pytest
import torch
from support import role_play_pairs
from transformers import AutoModelForCausalLM, AutoTokenizer

from atp_ray.alignment.pairs import PreferencePair
from atp_ray.alignment.profiles import load_profile
from atp_ray.alignment.rewards import reply_reward
from atp_ray.alignment.trainers import dpo_trainer, grpo_trainer, rewards
from atp_ray.alignment.training_prompts import training_prompts

OPTIONS = ("invest", "keep money")


@pytest.mark.parametrize(
    ("reply", "reward"),
    [('{"choice": "keep money"}', 1.0), ('{"choice": "invest"}', 0.1), ("I invest", 0.0), ("", 0.0),
     ('{"choice": "invest"} no: {"choice": "keep money"}', 1.0), ('<think>{"choice": "keep money"}', 0.0)],
)  # fmt: skip
def test_rewards_are_the_papers_and_come_from_the_one_parser(reply: str, reward: float) -> None:
    assert reply_reward(reply, OPTIONS) == reward
    assert rewards([[{"role": "assistant", "content": reply}]], [list(OPTIONS)], [None]) == [reward]


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
    assert reply_reward(reply, OPTIONS, answer="42") == reward


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
    pairs = role_play_pairs(8)
    profile = load_profile("tiny-dpo", "dpo").model_copy(update={"steps": 4, "warm_up": 0.0, "schedule": "constant"})
    trainer = dpo_trainer(profile, tiny.source, pairs, tmp_path)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    # Before the first step policy and reference are the same: -log sigmoid(0).
    assert float(losses[0]) == pytest.approx(math.log(2), abs=1e-4)
    assert float(losses[-1]) < float(losses[0])
    tokenizer = AutoTokenizer.from_pretrained(tiny.source)
    base = AutoModelForCausalLM.from_pretrained(tiny.source, dtype=torch.float32).eval()
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


def test_group_advantages_are_rewards_within_their_group_in_standard_deviations(tiny, tmp_path: Path) -> None:
    profile = load_profile("tiny-grpo", "grpo", ["batch=16", "group_size=8"])
    trainer = grpo_trainer(profile, tiny.source, training_prompts("role_play", 2), tmp_path)
    prompts = [trainer.train_dataset[i] for i in (0, 1) for _ in range(8)]
    trainer.model.train()
    made = trainer._generate_and_score_completions(prompts)
    replies = trainer.processing_class.batch_decode(made["completion_ids"], skip_special_tokens=True)
    scores = [reply_reward(text, tuple(row["options"])) for text, row in zip(replies, prompts, strict=True)]
    assert len(set(scores)) > 1
    expected = []
    for group in (scores[:8], scores[8:]):
        expected += [(score - statistics.mean(group)) / (statistics.stdev(group) + 1e-4) for score in group]
    assert made["advantages"].tolist() == pytest.approx(expected, abs=1e-5)


def test_grpo_raises_the_reward_and_learns_in_tool_usage_too(tiny, tmp_path: Path) -> None:
    profile = load_profile("tiny-grpo", "grpo", ["steps=2", "batch=8"])
    for paradigm in ("role_play", "tool_usage"):
        trainer = grpo_trainer(profile, tiny.source, training_prompts(paradigm, 8), tmp_path / paradigm)
        trainer.train()
        seen = [float(entry["reward"]) for entry in trainer.state.log_history if "reward" in entry]
        assert len(seen) == 2
        assert all(0 < reward <= 1 for reward in seen)
