"""Sweeps of the analytic policy without Ray: what every run of them must come to, whatever was killed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from command_runs import contents

from actors.players import ChancePlayer
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.storage.tables import write_cell

QUANTAL = "policy:quantal"


def play_alone(spec: EpisodeSpec) -> list[RoundRecord]:
    """Play an episode of the analytic policy with the player alone, all seats in one memory."""
    return asyncio.run(_play(spec))


async def _play(spec: EpisodeSpec) -> list[RoundRecord]:
    n = spec.parameters.n_agents
    memory, player = EpisodeMemory(spec, range(n)), ChancePlayer()
    settled: list[RoundRecord] = []
    for _ in range(spec.rounds):
        decisions = await player.decide(memory, range(n), spec.seats[0].sampling)
        settled.append(settle_round(spec, settled, decisions))
        memory.observe([observe_round(spec, settled[-1], range(n))])
    return settled


def sweep_alone(folder: Path, grid: str, *settings: str, **overrides: Any) -> dict[str, list[dict]]:
    """Play a grid into `folder`; returns the contents of its datasets.

    Args:
        settings: as `--set` takes them.
        overrides: of the grid's fields.
    """
    wanted = load_grid(grid, settings, checkpoints=[QUANTAL], **overrides)
    for cell in expand(wanted, {QUANTAL: resolve_checkpoint(QUANTAL)}):
        write_cell(folder, cell, {spec.episode_id: play_alone(spec) for spec in cell.episodes})
    return contents(folder)
