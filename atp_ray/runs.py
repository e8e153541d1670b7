"""What the commands share about a run: resolved checkpoints, their scope, how much is to be played."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atp_ray.actions import Action
from atp_ray.cells import CellSpec
from atp_ray.checkpoint_names import resolve_checkpoint
from atp_ray.checkpoint_profiles import ModelProfile, Profile
from atp_ray.episodes import EpisodeSpec
from atp_ray.errors import UsageError
from atp_ray.memory import EpisodeMemory, SeatView
from atp_ray.prompts import ToolStep, build_messages, build_problem_messages
from atp_ray.rounds import Decisions, observe_round, settle_round
from atp_ray.storage.records import RoundRecord
from atp_ray.tiny.scope import load_scope

CHARACTERS_PER_TOKEN = 4


class Workload(NamedTuple):
    """How much a set of cells is: counts, and prompt tokens estimated at four characters each."""

    cells: int
    episodes: int
    decisions: int
    prompt_tokens: int
    longest_reply_tokens: int


def resolve_checkpoints(names: Iterable[str], base_url: str | None) -> dict[str, Profile]:
    """Return the profile of each checkpoint by the name it was asked for.

    Raises:
        UsageError: as `resolve_checkpoint`.
    """
    profiles = {name: resolve_checkpoint(name, base_url) for name in names}
    require_distinct(profiles)
    return profiles


def require_distinct(profiles: Mapping[str, Profile]) -> None:
    """Refuse checkpoints that would bear one name in tables and engines.

    Raises:
        UsageError: names both.
    """
    asked: dict[str, str] = {}
    for name, profile in profiles.items():
        if (other := asked.setdefault(profile.name, name)) != name:
            hint = "Rename the folder of one of the runs"
            raise UsageError(f"'{other}' and '{name}' are both called '{profile.name}'", "--checkpoint", hint)


def check_scope(cells: Sequence[CellSpec], profiles: Iterable[Profile]) -> None:
    """Refuse what a checkpoint with a training scope was not trained on.

    Raises:
        ScopeError: names what is outside and what to do.
    """
    scopes = {
        profile.name: scope
        for profile in profiles
        if isinstance(profile, ModelProfile) and (scope := load_scope(Path(profile.source))) is not None
    }
    for cell in cells:
        for episode in cell.episodes:
            for name in {group.checkpoint for group in episode.seats} & scopes.keys():
                scopes[name].check(episode)


def estimate_workload(cells: Sequence[CellSpec]) -> Workload:
    """Count what playing `cells` takes; prompts are built for one seat of each episode and scaled to all."""
    tokens = longest = 0
    for cell in cells:
        for episode in cell.episodes:
            n = episode.parameters.n_agents
            tokens += n * sum(_prompt_tokens(episode))
            longest = max(longest, *(group.sampling.max_tokens for group in episode.seats))
    return Workload(
        len(cells), sum(len(cell.episodes) for cell in cells), sum(cell.n_decisions for cell in cells), tokens, longest
    )


def _prompt_tokens(spec: EpisodeSpec) -> list[int]:
    """Return the estimated prompt tokens of seat 0 in each round, were everyone to collude with a short reply."""
    if spec.paradigm == "tool_usage":
        return _problem_tokens(spec)
    n = spec.parameters.n_agents
    reply = f'I will join the others. {{"choice": "{spec.scenario.options[0]}"}}'
    zeros = np.zeros(n, dtype=np.int64)
    actions_A = np.full(n, Action.DEVIANT, dtype=np.int8)
    decisions = Decisions(actions_A, (reply,) * n, zeros, zeros, zeros, np.full(n, np.nan))
    memory, settled, tokens = EpisodeMemory(spec, (0,)), list[RoundRecord](), list[int]()
    for _ in range(min(spec.rounds, spec.history_window + 1)):
        messages = build_messages(memory.seat_view(0))
        tokens.append(sum(len(message["content"]) for message in messages) // CHARACTERS_PER_TOKEN)
        settled.append(settle_round(spec, settled, decisions))
        memory.observe([observe_round(spec, settled[-1], (0,))])
    # Once the window is full, prompts no longer grow.
    return tokens + [tokens[-1]] * (spec.rounds - len(tokens))


def _problem_tokens(spec: EpisodeSpec) -> list[int]:
    """Return the estimated prompt tokens of each round, were every problem to take one tool call."""
    view = SeatView(spec, 0, ())
    step = ToolStep("I use the tool. <tool>print(1)</tool>", "1")
    tokens = []
    for played in spec.tool_usage.parameters.problems:
        prompts = [
            build_problem_messages(view, (), problem, steps)
            for problem in (*played.simple, *played.complex)
            for steps in ((), (step,))
        ]
        characters = sum(len(message["content"]) for messages in prompts for message in messages)
        tokens.append(characters // CHARACTERS_PER_TOKEN)
    return tokens
