"""Real TRL steps: a completion that was cut off teaches nothing, and thinking is off where the profile says so."""

import shutil
import statistics
from pathlib import Path

import pytest
from support import Late

from atp_ray.alignment.learning_curve import log_rows
from atp_ray.alignment.profiles import load_profile
from atp_ray.alignment.training_prompts import training_prompts
from benchmarks.decision_pairs import role_play_pairs

pytestmark = pytest.mark.xdist_group("torch")

torch, transformers, trl = Late("torch"), Late("transformers"), Late("trl")
dpo, grpo = Late("atp_ray.alignment.dpo"), Late("atp_ray.alignment.grpo")

NO_THINKING = "<|im_start|>assistant\n<think>\n\n</think>\n\n"
END = "<|im_end|>"


def trainer_of(tiny, folder: Path, *settings: str):
    profile = load_profile("tiny-grpo", "grpo", ["batch=4", "group_size=4", *settings])
    return grpo.grpo_trainer(profile, tiny.source, training_prompts("role_play", 1), folder)


def scored(trainer, replies: list[str]):
    """Let TRL score a group of completions that are given here instead of drawn; it finds out itself which end."""
    ids = [trainer.processing_class(reply, add_special_tokens=False)["input_ids"] for reply in replies]
    trainer._generate_single_turn = lambda *_, **__: (ids, None)
    trainer.model.train()
    return trainer._generate_and_score_completions([trainer.train_dataset[0]] * len(replies))


def gradient(trainer, made):
    trainer.model.zero_grad()
    trainer.current_gradient_accumulation_steps = 1
    trainer._compute_loss(trainer.model, made).backward()
    return torch.cat([tensor.grad.flatten() for tensor in trainer.model.parameters() if tensor.grad is not None])


@pytest.mark.parametrize("masked", [True, False])
def test_a_completion_that_was_cut_off_has_no_gradient_and_no_say_in_its_group(masked, tiny, tmp_path: Path) -> None:
    trainer = trainer_of(tiny, tmp_path, f"mask_truncated={str(masked).lower()}")
    options = tuple(trainer.train_dataset[0]["options"])
    deviant, aligned = (f'{{"choice": "{option}"}}' for option in options)
    # A reply that was cut off may have decided before, or not.
    made = scored(trainer, [aligned + END, deviant + END, f"{aligned} But", "The rule says"])
    cut, scores = torch.tensor([False, False, True, True]), [1.0, 0.1, 1.0, 0.0]
    ours = scores[:2] if masked else scores
    expected = [(score - statistics.mean(ours)) / (statistics.stdev(ours) + 1e-4) for score in scores]
    expected = [0.0 if masked and gone else value for value, gone in zip(expected, cut, strict=True)]
    assert made["advantages"].tolist() == pytest.approx(expected, abs=1e-5)
    before = gradient(trainer, made)
    assert float(before.abs().max()) > 1e-3
    otherwise = made["completion_ids"].clone()
    otherwise[cut] = otherwise[cut].roll(1, dims=1)  # the same group, had the two said something else
    after = gradient(trainer, made | {"completion_ids": otherwise})
    assert torch.allclose(before, after, rtol=0, atol=1e-6) is masked


def test_a_step_of_which_all_completions_were_cut_off_changes_nothing_and_has_no_reward(tiny, tmp_path: Path) -> None:
    trainer = trainer_of(tiny, tmp_path, "max_completion=2", "mask_truncated=true", "steps=1", "warm_up=0")
    before = {name: tensor.detach().clone() for name, tensor in trainer.model.named_parameters()}
    trainer.train()
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.model.named_parameters())
    values = {row.metric: row.value for row in log_rows(trainer.state.log_history)}
    assert values["completions/clipped_ratio"] == 1
    assert "reward" not in values


@pytest.fixture
def thinker(tiny, tmp_path: Path) -> str:
    """The embedded checkpoint with the chat template of Qwen3, as TRL has it: it can turn thinking off."""
    folder = tmp_path / "thinker"
    shutil.copytree(tiny.source, folder)
    template = Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja"
    shutil.copy(template, folder / "chat_template.jinja")
    return str(folder)


@pytest.mark.parametrize(("setting", "off"), [("thinking=false", True), ("thinking=true", False), ("seed=1", False)])
def test_grpo_opens_the_reply_behind_an_empty_thought_where_thinking_is_off(
    setting, off, thinker, tmp_path: Path
) -> None:
    profile = load_profile("tiny-grpo", "grpo", ["batch=4", "group_size=4", "steps=1", "max_completion=4", setting])
    trainer = grpo.grpo_trainer(profile, thinker, training_prompts("role_play", 1), tmp_path)
    seen = []
    loss = trainer._compute_loss
    trainer._compute_loss = lambda model, inputs: seen.append(inputs["prompt_ids"][0]) or loss(model, inputs)
    trainer.train()
    opened = trainer.processing_class.decode(seen[0])
    assert opened.endswith(NO_THINKING) is off
    assert opened.endswith("<|im_start|>assistant\n") is not off


@pytest.mark.parametrize(("setting", "off"), [("thinking=false", True), ("thinking=true", False), ("seed=1", False)])
def test_in_dpo_the_empty_thought_is_part_of_the_prompt_and_not_learnt(setting, off, thinker, tmp_path: Path) -> None:
    profile = load_profile("tiny-dpo", "dpo", ["steps=1", "batch=4", setting])
    trainer = dpo.dpo_trainer(profile, thinker, role_play_pairs(4), tmp_path)
    decode = trainer.processing_class.decode
    entry = trainer.train_dataset[0]
    assert decode(entry["prompt_ids"]).endswith(NO_THINKING) is off
    for side in ("chosen_ids", "rejected_ids"):
        assert decode(entry[side]).startswith("<think>") is not off
    trainer.train()
