"""What a checkpoint's agents had seen when they decided, from the tables of a run of games."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from atp_ray.errors import UsageError
from atp_ray.networks.kinds import EVERYONE
from atp_ray.networks.neighbours import Neighbours, neighbours
from atp_ray.networks.texts import read_network
from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.responses import FIRST_ROUND
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.storage.tables import read_table

IntArray = npt.NDArray[np.int64]


class Observed(NamedTuple):
    """Distinct situations [U], and how often agents in each colluded and refrained, by episode [E, U].

    `setting_U` is an index into `settings`; `others_deviant_U` (`FIRST_ROUND` before anything was seen) and
    `others_decided_U` count the others in the round before, `success_U` says how it ended.
    """

    settings: tuple[GameNumbers, ...]
    setting_U: IntArray
    others_deviant_U: IntArray
    others_decided_U: IntArray
    success_U: npt.NDArray[np.bool_]
    colluded_EU: npt.NDArray[np.float64]
    refrained_EU: npt.NDArray[np.float64]


def observed_games(run_dir: Path, checkpoint: str) -> Observed:
    """Count the decisions of one checkpoint by what its agents had seen.

    Raises:
        UsageError: the run has none of it, or none that could be read.
        StorageError: a table cannot be read.
    """
    episodes = {row["episode_id"]: row for row in read_table(run_dir, "episodes").to_pylist()}
    success = {
        (row["episode_id"], row["round"]): bool(row["success"])
        for row in read_table(run_dir, "rounds").select(["episode_id", "round", "success"]).to_pylist()
    }
    table = read_table(
        run_dir, "decisions", ["episode_id", "round", "seat", "checkpoint", "action", "counts_as", "asked"]
    )
    if checkpoint not in set(table["checkpoint"].unique().to_pylist()):
        names = ", ".join(sorted(table["checkpoint"].unique().to_pylist()))
        raise UsageError(f"has no decisions of {checkpoint}", str(run_dir), f"It has {names}")
    ids = np.array(table["episode_id"].to_pylist())
    round_D, seat_D = (table[name].to_numpy() for name in ("round", "seat"))
    own_D = np.array(table["checkpoint"].to_pylist()) == checkpoint
    own_D &= np.array(pc.fill_null(table["asked"], True))
    action_D = np.array(pc.coalesce(table["counts_as"], table["action"]).to_pylist())
    settings: dict[GameNumbers, int] = {}
    cases: dict[tuple[int, int, int, bool], int] = {}
    decisions: list[tuple[int, int, int]] = []  # colluded, episode, case
    episode_ids, episode_D, n_turns = np.unique(ids, return_inverse=True, return_counts=True)
    turns = np.split(np.argsort(episode_D), np.cumsum(n_turns)[:-1])
    for number, (episode_id, here) in enumerate(zip(episode_ids, turns, strict=True)):
        row = episodes[str(episode_id)]
        numbers = GameNumbers(
            n_agents=row["n_agents"],
            threshold=row["threshold"],
            payoffs=Payoffs(high=row["high"], medium=row["medium"], low=row["low"]),
        )
        setting = settings.setdefault(numbers, len(settings))
        place, n_rounds = (round_D[here] - 1, seat_D[here]), int(round_D[here].max())
        deviant_RA, aligned_RA, own_RA = np.zeros((3, n_rounds, numbers.n_agents), dtype=bool)
        deviant_RA[place], aligned_RA[place] = action_D[here] == "deviant", action_D[here] == "aligned"
        own_RA[place] = own_D[here]
        network = _neighbours(row)
        for index in range(n_rounds):
            others_deviant_A = np.full(numbers.n_agents, FIRST_ROUND)
            others_decided_A = np.zeros(numbers.n_agents, dtype=int)
            succeeded = False
            if index:
                others_deviant_A = _others(deviant_RA[index - 1], network)
                aligned_A = _others(aligned_RA[index - 1], network)
                others_decided_A, succeeded = others_deviant_A + aligned_A, success[str(episode_id), index]
            seen = zip(others_deviant_A.tolist(), others_decided_A.tolist(), strict=True)
            for seat, (deviant, decided) in enumerate(seen):
                if own_RA[index, seat] and (deviant_RA[index, seat] or aligned_RA[index, seat]):
                    case = cases.setdefault((setting, deviant, decided, succeeded), len(cases))
                    decisions.append((int(deviant_RA[index, seat]), number, case))
    if not cases:
        raise UsageError(f"has no decision of {checkpoint} that could be read", str(run_dir), "Fit another checkpoint")
    both_EU = np.zeros((2, len(episode_ids), len(cases)))
    np.add.at(both_EU, tuple(zip(*decisions, strict=True)), 1)
    kept_E = both_EU.sum(axis=(0, 2)) > 0
    setting_U, deviant_U, decided_U, success_U = (np.array(column) for column in zip(*cases, strict=True))
    return Observed(
        tuple(settings), setting_U, deviant_U, decided_U, success_U.astype(bool), both_EU[1, kept_E], both_EU[0, kept_E]
    )


def _neighbours(row: Mapping[str, Any]) -> Neighbours | None:
    """Return the network of an episode from its row."""
    text = row["network"] or EVERYONE
    try:
        return neighbours(read_network(text), row["n_agents"], row["seed"])
    except (ValueError, UsageError) as error:
        raise UsageError(f"network {text} cannot be made again", "the run", "Fit a run of another network") from error


def _others(flag_A: npt.NDArray[np.bool_], network: Neighbours | None) -> IntArray:
    """Return how many of those whom each seat sees are flagged, [A]."""
    return flag_A.sum() - flag_A if network is None else network.sums(flag_A)
