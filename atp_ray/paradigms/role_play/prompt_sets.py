"""The role-play prompt sets: 10 prompts to train on and 4 to test with per environment, none in both.

Incomes are drawn without replacement from a fixed table by a seed that depends on the environment's name only, so both
sets are the same everywhere and for ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from atp_ray.paradigms.role_play.scenarios import ImportedRolePlay, RolePlayScenario
from atp_ray.play.randomness import derive_seed

Split = Literal["train", "test"]
PER_ENVIRONMENT: dict[Split, int] = {"train": 10, "test": 4}
BASE_STEPS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
INCOME_RATIOS = (1.05, 1.1, 1.2, 1.25, 1.3, 1.4, 1.5, 1.75, 2.0)


class RolePlayPrompt(NamedTuple):
    """One prompt: an environment and the day's two incomes, in dollars."""

    scenario: RolePlayScenario | ImportedRolePlay
    low: float
    high: float


def role_play_prompts(
    scenarios: Sequence[RolePlayScenario | ImportedRolePlay], split: Split | Literal["all"]
) -> list[RolePlayPrompt]:
    """Return a prompt set in the order of `scenarios`; a scenario with incomes of its own gives one prompt."""
    prompts: list[RolePlayPrompt] = []
    for scenario in scenarios:
        if isinstance(scenario, ImportedRolePlay) and scenario.fixed_incomes is not None:
            prompts.append(RolePlayPrompt(scenario, *scenario.fixed_incomes))
            continue
        n_train, n_test = PER_ENVIRONMENT["train"], PER_ENVIRONMENT["test"]
        drawn = _incomes(scenario)[: n_train + n_test]
        chosen = {"train": drawn[:n_train], "test": drawn[n_train:], "all": drawn}[split]
        prompts += [RolePlayPrompt(scenario, low, high) for low, high in chosen]
    return prompts


def _incomes(scenario: RolePlayScenario | ImportedRolePlay) -> list[tuple[float, float]]:
    table: dict[tuple[float, float], None] = {}
    for step, ratio in itertools.product(BASE_STEPS, INCOME_RATIOS):
        low = round(scenario.base_income * step, 2)
        table[low, max(round(low * ratio, 2), round(low + 0.01, 2))] = None
    incomes = list(table)
    order = np.random.default_rng(derive_seed("role_play_prompts", scenario.name)).permutation(len(incomes))
    return [incomes[i] for i in order]
