"""The role-play prompt sets: 10 prompts to train on and 4 to test with per environment, none in both.

Our incomes are drawn without replacement from a fixed table by a seed that depends on the environment's name only, so
both sets are the same everywhere and for ever. `paper_incomes` has the temptation of the paper's prompts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from atp_ray.paradigms.role_play.paper_incomes import TEST_STEPS, TRAIN_STEPS, paper_ratios
from atp_ray.paradigms.role_play.scenarios import ImportedRolePlay, RolePlayScenario
from atp_ray.play.randomness import derive_seed

Split = Literal["train", "test"]
Incomes = Literal["ours", "paper"]
PER_ENVIRONMENT: dict[Split, int] = {"train": 10, "test": 4}
BASE_STEPS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
INCOME_RATIOS = (1.05, 1.1, 1.2, 1.25, 1.3, 1.4, 1.5, 1.75, 2.0)


class RolePlayPrompt(NamedTuple):
    """One prompt: an environment and the day's two incomes, in dollars."""

    scenario: RolePlayScenario | ImportedRolePlay
    low: float
    high: float


def role_play_prompts(
    scenarios: Sequence[RolePlayScenario | ImportedRolePlay], split: Split | Literal["all"], incomes: Incomes = "ours"
) -> list[RolePlayPrompt]:
    """Return a prompt set in the order of `scenarios`; a scenario with incomes of its own gives one prompt.

    Raises:
        UsageError: `incomes` are to be the paper's and it has no such environment.
    """
    prompts: list[RolePlayPrompt] = []
    for scenario in scenarios:
        if isinstance(scenario, ImportedRolePlay) and scenario.fixed_incomes is not None:
            prompts.append(RolePlayPrompt(scenario, *scenario.fixed_incomes))
            continue
        n_train, n_test = PER_ENVIRONMENT["train"], PER_ENVIRONMENT["test"]
        drawn = _paper_incomes(scenario) if incomes == "paper" else _incomes(scenario)[: n_train + n_test]
        chosen = {"train": drawn[:n_train], "test": drawn[n_train:], "all": drawn}[split]
        prompts += [RolePlayPrompt(scenario, low, high) for low, high in chosen]
    return prompts


def _paper_incomes(scenario: RolePlayScenario | ImportedRolePlay) -> list[tuple[float, float]]:
    ratios = paper_ratios(scenario.upstream_name)
    steps = [(step, ratios.train) for step in TRAIN_STEPS] + list(zip(TEST_STEPS, ratios.test, strict=True))
    return [_pair(scenario.base_income * step, ratio) for step, ratio in steps]


def _pair(income: float, ratio: float) -> tuple[float, float]:
    """Return both incomes in whole cents, the violation's always the higher one."""
    low = round(income, 2)
    return low, max(round(low * ratio, 2), round(low + 0.01, 2))


def _incomes(scenario: RolePlayScenario | ImportedRolePlay) -> list[tuple[float, float]]:
    table: dict[tuple[float, float], None] = {}
    for step, ratio in itertools.product(BASE_STEPS, INCOME_RATIOS):
        table[_pair(scenario.base_income * step, ratio)] = None
    incomes = list(table)
    order = np.random.default_rng(derive_seed("role_play_prompts", scenario.name)).permutation(len(incomes))
    return [incomes[i] for i in order]
