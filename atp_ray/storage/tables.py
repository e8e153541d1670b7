"""The four Parquet datasets of a run: built from settled rounds, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from atp_ray.actions import Action
from atp_ray.cells import CellSpec
from atp_ray.episodes import EpisodeSpec
from atp_ray.errors import StorageError, UsageError
from atp_ray.metrics import recollusion, round_rates
from atp_ray.scenarios.games import GameParameters
from atp_ray.storage.records import RoundRecord
from atp_ray.storage.schema import SCHEMA_VERSION, TABLES

Rounds = Mapping[str, Sequence[RoundRecord]]
_LABELS = np.array([action.label for action in Action])


def write_cell(run_dir: Path, cell: CellSpec, rounds: Rounds) -> None:
    """Write a cell's part of the four datasets; `cells` last, as its presence says that the cell is finished.

    Raises:
        StorageError: the folder cannot be written; no half-written file remains under its final name.
    """
    for name, table in build_tables(cell, rounds).items():
        _write(table, run_dir / name / f"{cell.cell_id}.parquet")


def build_tables(cell: CellSpec, rounds: Rounds) -> dict[str, pa.Table]:
    """Return the tables `decisions`, `rounds`, `episodes`, `cells` of one cell, rows in the order of play."""
    played = [(spec, record) for spec in cell.episodes for record in rounds.get(spec.episode_id, ())]
    columns = {
        "decisions": _concat([_decision_columns(cell, spec, record) for spec, record in played]),
        "rounds": _rows([_round_row(cell, record) for _, record in played]),
        "episodes": _rows([_episode_row(cell, spec, rounds) for spec in cell.episodes]),
        "cells": _rows(_cell_rows(cell, rounds)),
    }
    metadata = {"atp_ray.schema_version": str(SCHEMA_VERSION)}
    return {
        name: pa.table(columns[name] or {field: [] for field in schema.names}, schema=schema.with_metadata(metadata))
        for name, schema in TABLES.items()
    }


def read_table(run_dir: Path, name: str) -> pa.Table:
    """Return one dataset of a run as a table; `name` is one of the schema's four.

    Raises:
        UsageError: the folder is no run, or it has no results yet.
        StorageError: a file is damaged.
    """
    path = run_dir / name
    single = path.with_suffix(".parquet")
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [file for file in (path, single) if file.is_file()]
    if not files:
        hint = "Give the folder a sweep wrote with --out, or wait until its first cell is finished"
        raise UsageError(f"holds no results ({name})", str(run_dir), hint)
    try:
        return pa.concat_tables([pq.read_table(file, schema=TABLES[name]) for file in files])
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise StorageError(
            f"{name} cannot be read: {reason}", str(path), "Delete the file and --resume the run"
        ) from error


def _write(table: pa.Table, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "Free some space or choose another --out; what is settled is kept, continue with --resume"
        raise StorageError(f"cannot be written: {reason}", str(path), hint) from error
    finally:
        with suppress(OSError):  # the error worth telling is the one above
            temporary.unlink(missing_ok=True)


def _decision_columns(cell: CellSpec, spec: EpisodeSpec, record: RoundRecord) -> dict[str, Sequence[Any]]:
    n = len(record.action_A)
    collude, refrain = spec.scenario.options
    words = np.array([refrain, collude, None, None], dtype=object)
    failures: list[str | None] = [None] * n
    for failure in record.failures:
        failures[failure.seat] = f"{failure.type}: {failure.message}"
    return {
        "cell_id": [cell.cell_id] * n,
        "episode_id": [spec.episode_id] * n,
        "round": [record.round] * n,
        "seat": range(n),
        "checkpoint": [group.checkpoint for group in spec.seat_groups],
        "action": _LABELS[record.action_A].tolist(),
        "choice": words[record.action_A].tolist(),
        "reply": record.reply_A,
        "attempts": record.attempts_A.tolist(),
        "prompt_tokens": record.prompt_tokens_A.tolist(),
        "completion_tokens": record.completion_tokens_A.tolist(),
        "latency_s": [None if np.isnan(seconds) else seconds for seconds in record.latency_A.tolist()],
        "reward": record.factor_A.tolist(),
        "capital_before": record.capital_before_A.tolist(),
        "capital_after": record.capital_after.value_A.tolist(),
        "log_capital_after": record.capital_after.log_A.tolist(),
        "failure": failures,
    }


def _round_row(cell: CellSpec, record: RoundRecord) -> dict[str, Any]:
    counts = np.bincount(record.action_A, minlength=len(Action))
    decided = int(counts[Action.DEVIANT] + counts[Action.ALIGNED])
    capital_A = record.capital_after.value_A
    return {
        "cell_id": cell.cell_id,
        "episode_id": record.episode_id,
        "round": record.round,
        "n_deviant": int(counts[Action.DEVIANT]),
        "n_aligned": int(counts[Action.ALIGNED]),
        "n_unparsed": int(counts[Action.UNPARSED]),
        "n_missing": int(counts[Action.MISSING]),
        "success": record.success,
        "deviant_rate": counts[Action.DEVIANT] / decided if decided else None,
        "capital_mean": float(capital_A.mean()),
        "capital_min": float(capital_A.min()),
        "capital_max": float(capital_A.max()),
    }


def _episode_row(cell: CellSpec, spec: EpisodeSpec, rounds: Rounds) -> dict[str, Any]:
    settled = len(rounds.get(spec.episode_id, ()))
    return {
        "cell_id": cell.cell_id,
        "episode_id": spec.episode_id,
        "paradigm": "games",
        "scenario": spec.scenario.name,
        **_setting(spec.parameters),
        "rounds": spec.rounds,
        "visibility": spec.visibility,
        "seed": spec.seed,
        "population": population_label(spec),
        "status": "complete" if settled == spec.rounds else f"stopped after round {settled}",
    }


def _cell_rows(cell: CellSpec, rounds: Rounds) -> list[dict[str, Any]]:
    again = recollusion(cell, rounds)
    payoffs = cell.payoffs
    common = {
        "cell_id": cell.cell_id,
        "grid": cell.grid,
        "checkpoint": cell.checkpoint,
        "checkpoint_kind": cell.checkpoint_kind,
        "n_agents": cell.n_agents,
        "threshold": cell.threshold,
        "high": payoffs.high if payoffs else None,
        "medium": payoffs.medium if payoffs else None,
        "low": payoffs.low if payoffs else None,
        "incentive_ratio": payoffs.incentive_ratio if payoffs else None,
        "visibility": cell.episodes[0].visibility,
        "p_recollude_given_success": again.rate,
        "p_recollude_ci_low": again.low,
        "p_recollude_ci_high": again.high,
        "n_recollude": again.n,
    }
    return [
        common
        | {
            "round": entry.round,
            "deviant_rate": entry.rate.rate,
            "ci_low": entry.rate.low,
            "ci_high": entry.rate.high,
            "ci_method": entry.rate.method,
            "n_decisions": entry.rate.n,
            "n_undecided": entry.n_undecided,
        }
        for entry in round_rates(cell, rounds)
    ]


def _setting(parameters: GameParameters) -> dict[str, Any]:
    payoffs = parameters.payoffs
    return {
        "n_agents": parameters.n_agents,
        "threshold": parameters.threshold,
        "high": payoffs.high,
        "medium": payoffs.medium,
        "low": payoffs.low,
        "incentive_ratio": payoffs.incentive_ratio,
    }


def population_label(spec: EpisodeSpec) -> str:
    """Return who sits where, e.g. `policy:collude:2,tiny:6`."""
    runs = groupby(group.checkpoint for group in spec.seat_groups)
    return ",".join(f"{name}:{sum(1 for _ in seats)}" for name, seats in runs)


def _rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _concat(parts: Sequence[Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    return {name: [value for part in parts for value in part[name]] for name in parts[0]} if parts else {}
