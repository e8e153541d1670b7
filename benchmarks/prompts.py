"""The very prompts a run asked, rebuilt from its event log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from atp_ray.play.cells import CellSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.prompts import Message, build_messages
from atp_ray.play.randomness import derive_seed
from atp_ray.play.rounds import observe_round
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.run_folder import log_path


def asked_prompts(run_dir: Path, cells: Sequence[CellSpec]) -> Iterator[tuple[list[Message], int]]:
    """Yield messages and seed of every first attempt, in the order of play."""
    for cell in cells:
        log = read_event_log(log_path(run_dir, cell.cell_id))
        for spec in cell.episodes:
            seats = range(spec.parameters.n_agents)
            memory = EpisodeMemory(spec, seats)
            for record in log[spec.episode_id]:
                for seat in seats:
                    seed = derive_seed(spec.episode_id, spec.seed, record.round, seat, 1)
                    yield build_messages(memory.seat_view(seat)), seed
                memory.observe([observe_round(spec, record, seats)])
