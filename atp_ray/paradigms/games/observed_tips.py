"""Which games of a run tipped, by number of fixed colluders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.play.episodes import FIXED_COLLUDER
from atp_ray.responses.observed_flips import ObservedFlips
from atp_ray.storage.tables import read_table


def observed_tips(run_dir: Path, checkpoint: str, numbers: GameNumbers, rounds: int) -> list[ObservedFlips]:
    """Count the games of these numbers and rounds in which more than half of a checkpoint's seats collude in the end.

    Games with other players than the checkpoint and fixed colluders are left out.

    Raises:
        StorageError: a table cannot be read.
    """
    payoffs = numbers.payoffs
    wanted = (numbers.n_agents, numbers.threshold, payoffs.high, payoffs.medium, payoffs.low, rounds)
    columns = ("n_agents", "threshold", "high", "medium", "low", "rounds")
    same = {
        row["episode_id"]
        for row in read_table(run_dir, "episodes").to_pylist()
        if tuple(row[name] for name in columns) == wanted
    }
    table = read_table(run_dir, "decisions", ["episode_id", "round", "checkpoint", "action", "counts_as"])
    table = table.filter(pc.equal(table["round"], rounds))
    seats: dict[str, list[tuple[str, bool]]] = {}
    acted = pc.equal(pc.coalesce(table["counts_as"], table["action"]), "deviant").to_pylist()
    for episode, player, colludes in zip(
        table["episode_id"].to_pylist(), table["checkpoint"].to_pylist(), acted, strict=True
    ):
        if episode in same:
            seats.setdefault(episode, []).append((player, colludes))
    tipped: dict[int, list[bool]] = {}
    for players in seats.values():
        free = [colludes for player, colludes in players if player == checkpoint]
        fixed = sum(player == FIXED_COLLUDER for player, _ in players)
        if free and len(free) + fixed == numbers.n_agents:
            tipped.setdefault(fixed, []).append(bool(np.mean(free) > 0.5))
    return [ObservedFlips(fixed, len(found), sum(found)) for fixed, found in sorted(tipped.items())]
