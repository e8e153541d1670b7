"""The checkpoints of one or more runs side by side: what is compared with what, and under which plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from atp_ray.errors import UsageError, suggestion
from atp_ray.measures.comparisons import compare
from atp_ray.measures.courses import Course, load_courses
from atp_ray.measures.estimates import Comparison
from atp_ray.measures.plans import CheckedPlan, plan_of
from atp_ray.measures.results import CellResult, honest_label
from atp_ray.storage.run_folder import read_manifest
from atp_ray.storage.tables import read_table


class Compared(NamedTuple):
    """A base and what is beside it: rows, the cells behind them, the plan (None without one), the honest label."""

    base: str
    rows: list[Comparison]
    arms: dict[str, list[Course]]
    plan: CheckedPlan | None
    label: str | None


def compare_runs(runs: Sequence[tuple[Path, str]], base: str | None = None) -> Compared:
    """Compare the checkpoints of some runs with one of them.

    Args:
        runs: folder of each run, and what it is called.
        base: the checkpoint the others are compared with; the first run's first if not given.

    Raises:
        UsageError: there is nothing to compare, or no such base.
        StorageError: results cannot be read.
    """
    arms = _arms(runs)
    names = ", ".join(name for _, name in runs)
    if len(arms) < 2:
        hint = "Give a second run, or sweep with several --checkpoint"
        raise UsageError(f"holds one checkpoint ({next(iter(arms))})", names, hint)
    if base is None:
        base = next(iter(arms))
    if base not in arms:
        raise UsageError(f"no checkpoint '{base}'", "--base", suggestion(base, arms))
    # A plan is for one run: what another one adds was not planned in it.
    plan = _plan(runs[0][0]) if len(runs) == 1 else None
    rows = compare(arms, base, plan)
    if not rows:
        raise UsageError(
            f"no other checkpoint has played a setting of '{base}'", names, "Compare runs of the same grid"
        )
    return Compared(base, rows, arms, plan, _label(arms.values()))


def compared_in(run_dir: Path, results: Sequence[CellResult]) -> Compared | None:
    """Return the comparison of a run's checkpoints; None with one checkpoint, or before any has a setting of another.

    Raises:
        UsageError, StorageError: results cannot be read.
    """
    if len({result.setting.checkpoint for result in results}) < 2:
        return None
    try:
        return compare_runs([(run_dir, str(run_dir))])
    except UsageError:
        _plan(run_dir)  # a damaged plan is told; that nothing can be compared yet is not
        return None


def _arms(runs: Sequence[tuple[Path, str]]) -> dict[str, list[Course]]:
    """Return the cells of each checkpoint, in the order in which they were asked for; same names get their run's."""
    found: list[tuple[str, str, list[Course]]] = []
    for folder, run in runs:
        found += [(name, run, courses) for name, courses in courses_by_checkpoint(folder).items()]
    times = Counter(name for name, _, _ in found)
    return {name if times[name] == 1 else f"{name} ({run})": courses for name, run, courses in found}


def courses_by_checkpoint(run_dir: Path) -> dict[str, list[Course]]:
    """Return the cells of each checkpoint of a run, in the order in which they were asked for.

    Raises:
        UsageError: the folder holds no results.
        StorageError: they cannot be read.
    """
    by_name: dict[str, list[Course]] = {name: [] for name in asked_for(read_manifest(run_dir))}
    for course in load_courses(run_dir):
        by_name.setdefault(course.setting.checkpoint, []).append(course)
    return {name: courses for name, courses in by_name.items() if courses}


def asked_for(manifest: Mapping[str, Any]) -> list[str]:
    """Return the names of a run's checkpoints in the order in which they were asked for."""
    checkpoints = manifest.get("checkpoints")
    profiles = checkpoints.values() if isinstance(checkpoints, dict) else ()
    return [str(profile["name"]) for profile in profiles if isinstance(profile, dict) and profile.get("name")]


def _plan(run_dir: Path) -> CheckedPlan | None:
    manifest = read_manifest(run_dir)
    if manifest.get("plan") is None:
        return None
    return plan_of(manifest, sorted(set(read_table(run_dir, "cells", ["cell_id"])["cell_id"].to_pylist())))


def _label(arms: Iterable[Sequence[Course]]) -> str | None:
    return honest_label([CellResult(course.setting, (), None, 0, 0) for courses in arms for course in courses])
