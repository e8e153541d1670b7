"""The cells of a role-play grid: one episode, and one agent, for each prompt and seed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from atp_ray.checkpoint.profiles import Profile, checkpoint_kind
from atp_ray.config_files import parse_model
from atp_ray.paradigms.cell_names import make_episode, named_cell, seat_group
from atp_ray.paradigms.role_play.prompt_sets import RolePlayPrompt, role_play_prompts
from atp_ray.paradigms.role_play.request import RolePlayGrid, RolePlaySettings
from atp_ray.paradigms.role_play.scenario_files import load_role_plays
from atp_ray.paradigms.role_play.scenarios import RolePlayNumbers
from atp_ray.paradigms.role_play.supervision import SupervisionPattern
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.randomness import derive_seed


def role_play_cells(grid: RolePlayGrid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
    """Return the cells in the order checkpoint, supervision pattern.

    Raises:
        UsageError: an unknown scenario, or a sampling value out of range.
    """
    prompts = role_play_prompts(load_role_plays(grid.scenarios), grid.split, grid.incomes)
    return [
        _cell(grid, prompts, profiles[name], pattern)
        for name, pattern in itertools.product(grid.checkpoints, grid.supervision)
    ]


def _cell(grid: RolePlayGrid, prompts: list[RolePlayPrompt], profile: Profile, pattern: SupervisionPattern) -> CellSpec:
    group = seat_group(profile, 1, grid.sampling, f"grid {grid.name}")
    episodes = [
        role_play_episode(grid, prompt, pattern, (group,), seed, index)
        for index, prompt in enumerate(prompts)
        for seed in range(grid.seeds)
    ]
    return named_cell(
        grid.name,
        f"{profile.name}-{pattern}",
        profile.name,
        checkpoint_kind(profile),
        episodes,
        n_agents=1,
        setting={"supervision": pattern},
    )


def role_play_episode(
    settings: RolePlaySettings,
    prompt: RolePlayPrompt,
    pattern: SupervisionPattern,
    seats: Sequence[SeatGroup],
    seed: int,
    index: int = 0,
) -> EpisodeSpec:
    """Return one role-play.

    Args:
        index: the prompt's place in its set; prompts of a set are not supervised in the same random rounds.

    Raises:
        UsageError: the parts do not go together.
    """
    where = prompt.scenario.name
    numbers = {
        "low": prompt.low,
        "high": prompt.high,
        "supervision": pattern,
        "supervision_seed": derive_seed("supervision", index, seed) if pattern == "random" else 0,
        "rounds": settings.rounds,
        "notice": settings.notice,
    }
    return make_episode(settings, prompt.scenario, parse_model(RolePlayNumbers, numbers, where), seats, seed, where)


def setting_columns(numbers: RolePlayNumbers) -> dict[str, float | int | str | None]:
    """Return the result columns of a role-play's numbers."""
    return {"high": numbers.high, "low": numbers.low, "supervision": numbers.supervision}
