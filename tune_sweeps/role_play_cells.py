"""The cells of a role-play grid: one episode, and one agent, for each prompt and seed."""

from __future__ import annotations

import itertools

from atp_ray.cells import CellSpec
from atp_ray.checkpoint_profiles import Profile, checkpoint_kind
from atp_ray.episodes import EpisodeSpec
from atp_ray.randomness import derive_seed
from atp_ray.scenarios.prompt_sets import RolePlayPrompt, role_play_prompts
from atp_ray.scenarios.registry import load_role_plays
from atp_ray.scenarios.role_play import RolePlayParameters
from atp_ray.scenarios.supervision import SupervisionPattern
from tune_sweeps.cell_names import named_cell, seat_group
from tune_sweeps.grids import RolePlayGrid


def role_play_cells(grid: RolePlayGrid, profiles: dict[str, Profile]) -> list[CellSpec]:
    """Return the cells in the order checkpoint, supervision pattern.

    Raises:
        UsageError: an unknown scenario, or a sampling value out of range.
    """
    prompts = role_play_prompts(load_role_plays(grid.scenarios), grid.split)
    return [
        _cell(grid, prompts, profiles[name], pattern)
        for name, pattern in itertools.product(grid.checkpoints, grid.supervision)
    ]


def _cell(grid: RolePlayGrid, prompts: list[RolePlayPrompt], profile: Profile, pattern: SupervisionPattern) -> CellSpec:
    group = seat_group(profile, 1, grid.sampling, f"grid {grid.name}")
    episodes = [
        EpisodeSpec(
            scenario=prompt.scenario,
            parameters=_parameters(grid, prompt, pattern, index, seed),
            seats=(group,),
            rounds=grid.rounds,
            history_window=grid.history_window,
            seed=seed,
        )
        for index, prompt in enumerate(prompts)
        for seed in range(grid.seeds)
    ]
    return named_cell(
        grid.name, f"{profile.name}-{pattern}", profile.name, checkpoint_kind(profile), episodes, n_agents=1
    )


def _parameters(
    grid: RolePlayGrid, prompt: RolePlayPrompt, pattern: SupervisionPattern, index: int, seed: int
) -> RolePlayParameters:
    return RolePlayParameters(
        low=prompt.low,
        high=prompt.high,
        supervision=pattern,
        supervision_seed=derive_seed("supervision", index, seed) if pattern == "random" else 0,
        rounds=grid.rounds,
        notice=grid.notice,
    )
