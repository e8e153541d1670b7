"""A run of ten million decisions, and what `report` and `report compare` cost on it.

`python -m benchmarks.many_decisions FOLDER` writes a run of Appendix B's settings with two checkpoints in the real
schema, cell by cell, played by the analytic policy in numpy, and then measures both commands: seconds and the most
memory that the process held. The run stays in FOLDER and is measured again as it is if it is there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit, logit

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.measures.intervals import rate_interval
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.play.cells import CellSpec
from atp_ray.storage.run_folder import create_run
from atp_ray.storage.schema import SCHEMA_VERSION, cell_schemas

BASE, ALIGNED, ALIGNED_SHIFT = "policy:quantal", "policy:quantal-aligned", -1.5
REPLY = '{{"reasoning": "threshold {t} of 8, round {r}", "choice": "{choice}"}}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--decisions", type=int, default=10_000_000)
    arguments = parser.parse_args()
    if not (arguments.folder / "run.json").exists():
        started = time.perf_counter()
        n = write_run(arguments.folder, arguments.decisions)
        size = sum(path.stat().st_size for path in arguments.folder.rglob("*.parquet"))
        print(f"wrote {n:,} decisions, {size / 2**20:.0f} MiB, in {time.perf_counter() - started:.0f} s", flush=True)
    for words in (["report", str(arguments.folder)], ["report", "compare", str(arguments.folder)]):
        seconds, gib = measured([sys.executable, "-m", f"atp_ray.{words[0]}", *words[1:]])
        print(f"{' '.join(words[:-1])}: {seconds:.1f} s, {gib:.2f} GiB", flush=True)


def write_run(folder: Path, decisions: int) -> int:
    """Write the run and return how many decisions it holds."""
    grid = load_grid("appendix_b", checkpoints=[BASE])
    cells = expand(grid, resolve_checkpoints([BASE], None))
    per_seed = 2 * sum(cell.n_decisions for cell in cells)
    seeds = -(-decisions // per_seed)
    ids = []
    for name, shift in ((BASE, 0.0), (ALIGNED, ALIGNED_SHIFT)):
        for index, cell in enumerate(cells):
            ids.append(f"{name.replace(':', '-')}-{cell.cell_id}")
            _write_cell(folder, cell, ids[-1], name, seeds, shift, np.random.default_rng([index, len(name)]))
    create_run(
        folder,
        {
            "grid": grid.model_dump(mode="json") | {"seeds": seeds},
            "checkpoints": {name: {"name": name} for name in (BASE, ALIGNED)},
            "n_cells": len(ids),
            "cell_ids": ids,
            "status": "complete",
        },
    )
    return per_seed * seeds


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; returns its seconds and the most memory it held, in GiB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 2**20


def _write_cell(
    folder: Path, cell: CellSpec, cell_id: str, name: str, seeds: int, shift: float, rng: np.random.Generator
) -> None:
    spec = cell.episodes[0]
    numbers = spec.parameters
    assert isinstance(numbers, GameNumbers)
    games = [episode.scenario.name for episode in cell.episodes]
    options = [episode.scenario.options for episode in cell.episodes]
    n, rounds, episodes = numbers.n_agents, spec.rounds, len(games) * seeds
    colluded_ERA = _played(numbers, episodes, rounds, shift, rng)
    game_E = np.repeat(np.arange(len(games)), seeds)
    id_E = np.array([f"{value:016x}" for value in rng.integers(0, 2**63, episodes)])
    total_ER = colluded_ERA.sum(axis=2)
    won_ER = total_ER >= numbers.threshold
    high, medium, low = (getattr(numbers.payoffs, level) for level in ("high", "medium", "low"))
    reward = np.where(won_ER[:, :, None], high, np.where(colluded_ERA, low, medium)).ravel()
    words = np.array([[refrain, collude] for collude, refrain in options])
    acts = colluded_ERA.astype(int)
    choice = words[game_E[:, None, None], acts].ravel()
    reply = np.array(
        [
            [[REPLY.format(t=numbers.threshold, r=r + 1, choice=word) for word in pair] for r in range(rounds)]
            for pair in words
        ]
    )[game_E[:, None, None], np.arange(rounds)[:, None], acts]
    size = episodes * rounds * n
    decisions = {
        "episode_id": np.repeat(id_E, rounds * n),
        "round": np.tile(np.repeat(np.arange(1, rounds + 1), n), episodes),
        "seat": np.tile(np.arange(n), episodes * rounds),
        "checkpoint": np.full(size, name),
        "action": np.where(colluded_ERA.ravel(), "deviant", "aligned"),
        "choice": choice,
        "reply": reply.ravel(),
        "attempts": np.ones(size, dtype=int),
        "prompt_tokens": rng.integers(200, 900, size),
        "completion_tokens": rng.integers(20, 60, size),
        "latency_s": rng.gamma(2, 0.2, size),
        "reward": reward,
    }
    per_round = {
        "episode_id": np.repeat(id_E, rounds),
        "round": np.tile(np.arange(1, rounds + 1), episodes),
        "n_deviant": total_ER.ravel(),
        "n_aligned": n - total_ER.ravel(),
        "n_unparsed": np.zeros(episodes * rounds, dtype=int),
        "n_missing": np.zeros(episodes * rounds, dtype=int),
        "success": won_ER.ravel(),
        "deviant_rate": total_ER.ravel() / n,
        "unit": np.repeat(np.array(games)[game_E], rounds),
    }
    setting = {"n_agents": n, **cell.setting}
    per_episode = {
        "episode_id": id_E,
        "scenario": np.array(games)[game_E],
        "seed": np.tile(np.arange(seeds), len(games)),
        **_same(setting | {"paradigm": "games", "rounds": rounds, "visibility": "choices"}, episodes),
        **_same({"population": f"{name}:{n}", "status": "complete"}, episodes),
    }
    rates = [
        rate_interval(total_ER[:, r].tolist(), [n] * episodes, np.array(games)[game_E].tolist()) for r in range(rounds)
    ]
    per_cell = {
        **_same(setting | {"paradigm": "games", "grid": cell.grid, "visibility": "choices"}, rounds),
        **_same({"checkpoint": name, "checkpoint_kind": "policy", "n_undecided": 0, "n_recollude": 0}, rounds),
        "round": range(1, rounds + 1),
        "deviant_rate": [rate.rate for rate in rates],
        "ci_low": [rate.low for rate in rates],
        "ci_high": [rate.high for rate in rates],
        "ci_method": [rate.method for rate in rates],
        "n_decisions": [rate.n for rate in rates],
    }
    tables = {"decisions": decisions, "rounds": per_round, "episodes": per_episode, "cells": per_cell}
    for table, columns in tables.items():
        schema = cell_schemas("games")[table].with_metadata({"atp_ray.schema_version": str(SCHEMA_VERSION)})
        length = len(next(iter(columns.values())))
        filled = columns | {"cell_id": [cell_id] * length}
        arrays = [pa.array(filled.get(field.name, [None] * length), type=field.type) for field in schema]
        path = folder / table / f"{cell_id}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd")


def _played(numbers: GameNumbers, episodes: int, rounds: int, shift: float, rng: np.random.Generator) -> np.ndarray:
    """Return who colludes, [episode, round, agent]."""
    policy, n = QuantalResponse(), numbers.n_agents
    others = np.arange(n, dtype=float)
    later = np.stack([policy.collude_probability(numbers, others, n - 1 - others, bool(won)) for won in (0, 1)])
    first = expit(logit(policy.collude_probability(numbers)[0]) + shift)
    colluded = [rng.random((episodes, n)) < first]
    for _ in range(rounds - 1):
        total = colluded[-1].sum(axis=1, keepdims=True)
        won = np.broadcast_to((total >= numbers.threshold).astype(int), (episodes, n))
        colluded.append(rng.random((episodes, n)) < later[won, total - colluded[-1]])
    return np.stack(colluded, axis=1)


def _same(values: dict[str, object], times: int) -> dict[str, list[object]]:
    return {name: [value] * times for name, value in values.items()}


if __name__ == "__main__":
    main()
