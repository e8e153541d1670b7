"""The prompts alignment trains on: first-round prompts of each paradigm, none of which an evaluation uses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atp_ray.episodes import EpisodeSpec, SeatGroup
from atp_ray.memory import SeatView
from atp_ray.paradigms import Paradigm
from atp_ray.payoffs import Payoffs
from atp_ray.problem_pools.generated import generate_problems
from atp_ray.problem_pools.pools import embedded_texts
from atp_ray.problems import Problem
from atp_ray.prompts import Message, build_messages, build_problem_messages
from atp_ray.randomness import derive_seed
from atp_ray.scenarios.games import GameParameters
from atp_ray.scenarios.prompt_sets import role_play_prompts
from atp_ray.scenarios.registry import load_games, load_role_plays, load_tool_scenario
from atp_ray.scenarios.role_play import RolePlayParameters
from atp_ray.scenarios.tool_usage import RoundProblems, ToolParameters

PER_GAME = 50
PROBLEMS = 2000
_ANYONE = "policy:refrain"  # the seats of a prompt are nobody's yet


class TrainingPrompt(NamedTuple):
    """One prompt: its id, messages (system, user), the two options (deviant first), and in tool usage the problem."""

    prompt_id: str
    paradigm: Paradigm
    scenario: str
    messages: tuple[Message, ...]
    options: tuple[str, str]
    problem: Problem | None = None


def training_prompts(paradigm: Paradigm, count: int | None = None, seed: int = 0) -> list[TrainingPrompt]:
    """Return the paper's training prompts of a paradigm, the same ones for the same seed.

    Games: 50 for each of 7 games, with n in 5..15, any threshold and random rewards. Role-play: the 160 training
    prompts. Tool usage: generated complex problems (2000, or `count`), none of the embedded pools.

    Args:
        count: take only so many, spread evenly over the scenarios; None takes all.
    """
    prompts = {"games": _games, "role_play": _role_plays, "tool_usage": _problems}[paradigm](count, seed)
    if count is None or count >= len(prompts):
        return prompts
    chosen = np.linspace(0, len(prompts) - 1, count).round().astype(int)
    return [prompts[i] for i in chosen]


def _games(count: int | None, seed: int) -> list[TrainingPrompt]:
    del count
    prompts = []
    for scenario in load_games():
        rng = np.random.default_rng(derive_seed("align", scenario.name, seed))
        for index in range(PER_GAME):
            n = int(rng.integers(5, 16))
            rewards = Payoffs(high=round(float(rng.uniform(1.1, 2)), 1), medium=1, low=round(rng.uniform(0.2, 0.9), 1))
            numbers = GameParameters(n_agents=n, threshold=int(rng.integers(1, n + 1)), payoffs=rewards)
            seats = (SeatGroup(checkpoint=_ANYONE, count=n),)
            spec = EpisodeSpec(scenario=scenario, parameters=numbers, seats=seats)
            prompts.append(
                _prompt(f"{scenario.name}-{seed}-{index}", spec, tuple(build_messages(SeatView(spec, 0, ()))))
            )
    return prompts


def _role_plays(count: int | None, seed: int) -> list[TrainingPrompt]:
    del count, seed
    prompts = []
    for index, (scenario, low, high) in enumerate(role_play_prompts(load_role_plays(), "train")):
        seats = (SeatGroup(checkpoint=_ANYONE, count=1),)
        numbers = RolePlayParameters(low=low, high=high, rounds=1)
        spec = EpisodeSpec(scenario=scenario, parameters=numbers, seats=seats, rounds=1)
        prompts.append(_prompt(f"{scenario.name}-{index}", spec, tuple(build_messages(SeatView(spec, 0, ())))))
    return prompts


def _problems(count: int | None, seed: int) -> list[TrainingPrompt]:
    wanted = count or PROBLEMS
    held_out = embedded_texts()
    made = generate_problems("complex", wanted + len(held_out), seed=500_000 + seed)
    prompts = []
    for problem in [entry.problem for entry in made if entry.problem.text not in held_out][:wanted]:
        numbers = ToolParameters(problems=(RoundProblems(complex=(problem,)),))
        seats = (SeatGroup(checkpoint=_ANYONE, count=1),)
        spec = EpisodeSpec(scenario=load_tool_scenario("maths"), parameters=numbers, seats=seats, rounds=1)
        messages = build_problem_messages(SeatView(spec, 0, ()), (), problem, ())
        prompts.append(_prompt(problem.problem_id, spec, tuple(messages), problem))
    return prompts


def _prompt(
    prompt_id: str, spec: EpisodeSpec, messages: tuple[Message, ...], problem: Problem | None = None
) -> TrainingPrompt:
    return TrainingPrompt(prompt_id, spec.paradigm, spec.scenario.name, messages, spec.scenario.options, problem)
