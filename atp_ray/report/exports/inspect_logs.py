"""A run as logs of Inspect (inspect_ai): a log for each cell, a sample for each seat of an episode, an epoch a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import ModelUsage

from atp_ray import __version__
from atp_ray.measures.results import cells_with_shares, honest_label, load_results
from atp_ray.paradigms.cell_names import setting_label
from atp_ray.play.cells import CellSpec
from atp_ray.report.exports.inspect_samples import cell_samples
from atp_ray.report.run_cells import run_cells, run_profiles
from atp_ray.report.run_report import sandbox_note
from atp_ray.storage.run_folder import read_manifest
from atp_ray.storage.stored_rounds import read_rounds
from atp_ray.storage.tables import read_cell

_METRICS = ("deviant_rate", "ci_low", "ci_high", "n_decisions", "n_undecided", "accuracy")
_KEPT = ("atp_ray", "created", "python", "machine", "packages", "seeds", "status", "plan")


def write(run_dir: Path, out: Path) -> list[Path]:
    """Write a log for each finished cell, one after the other; returns the files.

    Raises:
        UsageError: the folder is no run of a sweep, or this version makes other prompts than it was played with.
        StorageError: a dataset cannot be read.
    """
    manifest = read_manifest(run_dir)
    cells = run_cells(run_dir, manifest)
    profiles = list(run_profiles(run_dir, manifest).values())
    label = honest_label(load_results(run_dir))
    begun = datetime.fromisoformat(manifest["created"])
    with_shares = cells_with_shares(run_dir)
    paths = []
    for cell in cells:
        rounds = read_rounds(run_dir, cell)
        samples = list(cell_samples(cell, rounds, profiles, begun))
        rates = read_cell(run_dir, "cells", cell.cell_id).to_pylist()
        shares = read_cell(run_dir, "shares", cell.cell_id).to_pylist() if cell.cell_id in with_shares else []
        log = EvalLog(
            status="success",
            eval=_spec(cell, samples, manifest, label, begun),
            results=_results(rates, shares, samples),
            stats=_stats(samples, begun),
            samples=samples,
        )
        paths.append(out / f"{begun:%Y-%m-%dT%H-%M-%S}_{cell.cell_id}.eval")
        write_eval_log(log, str(paths[-1]))
    return paths


def _spec(
    cell: CellSpec, samples: Sequence[EvalSample], manifest: Mapping[str, Any], label: str | None, begun: datetime
) -> EvalSpec:
    setting = {name: value for name, value in cell.setting.items() if value is not None}
    ids = sorted({str(sample.id) for sample in samples})
    notes = {"label": label, "sandbox": sandbox_note(manifest)}
    return EvalSpec(
        eval_id=cell.cell_id,
        run_id=f"{manifest['grid']['name']} {manifest['created']}",
        created=begun.isoformat(),
        task=f"{cell.paradigm} {setting_label(cell)}",
        task_id=cell.cell_id,
        task_args=setting,
        task_args_passed=setting,
        tags=["atp_ray", cell.paradigm, cell.grid, cell.checkpoint_kind],
        dataset=EvalDataset(name=cell.grid, samples=len(ids), sample_ids=ids),
        model=cell.checkpoint,
        config=EvalConfig(epochs=max((sample.epoch for sample in samples), default=1)),
        packages={"atp_ray": str(manifest.get("atp_ray")), **manifest.get("packages", {})},
        metadata={
            **{name: note for name, note in notes.items() if note},
            "cell_id": cell.cell_id,
            "checkpoint_kind": cell.checkpoint_kind,
            "exported_by": f"atp_ray {__version__}",
            "grid": manifest["grid"],
            "run": {name: manifest[name] for name in _KEPT if name in manifest},
        },
    )


def _results(
    rates: Sequence[Mapping[str, Any]], shares: Sequence[Mapping[str, Any]], samples: Sequence[EvalSample]
) -> EvalResults:
    """Return the rates, or the shares of options, as the run's tables and figures have them, with their intervals."""
    scores = []
    for row in rates:
        shown = {name: row[name] for name in _METRICS if row[name] is not None}
        if own := [share for share in shares if share["round"] == row["round"]]:
            shown = {name: row[name] for name in ("n_decisions", "n_undecided")} | _share_metrics(own)
        metrics = {name: EvalMetric(name=name, value=value) for name, value in shown.items()}
        name = f"round_{row['round']}"
        n_scored = sum(_has_value(sample, name) for sample in samples)
        scored = {"scored_samples": n_scored, "unscored_samples": len(samples) - n_scored}
        scores.append(EvalScore(name=name, scorer=name, metrics=metrics, metadata={"ci": row["ci_method"]}, **scored))
    return EvalResults(total_samples=len(samples), completed_samples=len(samples), scores=scores)


def _share_metrics(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    columns = {"share": "share", "ci_low": "share_ci_low", "ci_high": "share_ci_high"}
    return {
        f"{name} {row['option']}": row[column]
        for row in rows
        for column, name in columns.items()
        if row[column] is not None
    }


def _has_value(sample: EvalSample, name: str) -> bool:
    """Return whether a seat was asked in a round, is under study and decided."""
    score = (sample.scores or {}).get(name)
    return score is not None and not (isinstance(score.value, float) and math.isnan(score.value))


def _stats(samples: Sequence[EvalSample], begun: datetime) -> EvalStats:
    usage: dict[str, ModelUsage] = {}
    for sample in samples:
        for model, used in sample.model_usage.items():
            usage[model] = usage.get(model, ModelUsage()) + used
    return EvalStats(started_at=begun.isoformat(), completed_at=begun.isoformat(), model_usage=usage)
