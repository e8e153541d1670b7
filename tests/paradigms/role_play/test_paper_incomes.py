"""Prompts that tempt as much as the paper's: the same ratios, incomes of our own, nothing in both sets."""

import json
from statistics import median

import pytest
from support import UPSTREAM, needs_upstream

from atp_ray.errors import UsageError
from atp_ray.paradigms.role_play.paper_incomes import paper_ratios
from atp_ray.paradigms.role_play.prompt_sets import role_play_prompts
from atp_ray.paradigms.role_play.scenario_files import load_role_plays

SCENARIOS = load_role_plays()


def ratios(split: str, incomes: str) -> list[float]:
    return [prompt.high / prompt.low for prompt in role_play_prompts(SCENARIOS, split, incomes)]


def test_the_test_prompts_tempt_as_much_as_the_papers() -> None:
    found = ratios("test", "paper")
    assert len(found) == 64
    assert median(found) == pytest.approx(1.05, abs=0.005)
    assert sum(ratio <= 1.03 for ratio in found) == 29  # 45 %
    assert max(found) == pytest.approx(4.55, abs=0.01)


def test_ours_tempt_more() -> None:
    found = ratios("test", "ours")
    assert (round(min(found), 2), round(median(found), 2)) == (1.05, 1.3)


def test_no_prompt_is_in_both_sets() -> None:
    sets = {split: role_play_prompts(SCENARIOS, split, "paper") for split in ("train", "test", "all")}
    asked = {split: {(p.scenario.name, p.low, p.high) for p in prompts} for split, prompts in sets.items()}
    assert [len(asked[split]) for split in ("train", "test", "all")] == [160, 64, 224]
    assert not asked["train"] & asked["test"]


def test_a_scenario_of_ones_own_has_no_incomes_in_the_paper() -> None:
    with pytest.raises(UsageError, match=r"the paper has no incomes for 'pilot'. Use incomes=ours"):
        paper_ratios("pilot")


@needs_upstream
@pytest.mark.parametrize(("file", "split"), [("question_160.json", "train"), ("question_64.json", "test")])
def test_the_ratios_are_those_of_the_references_data(file, split) -> None:
    seen: dict[str, list[float]] = {}
    for entry in json.loads((UPSTREAM.parent / "sa_llm" / file).read_text()):
        incomes = entry["params"]
        seen.setdefault(entry["environment"], []).append(incomes["high_reward"] / incomes["low_reward"])
    for environment, found in seen.items():
        known = paper_ratios(environment)
        assert sorted(found) == pytest.approx([known.train] * 10 if split == "train" else list(known.test), abs=1e-4)
