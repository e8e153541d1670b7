"""How variants of a checkpoint fare beside their base: the drop in round 1, and what is left of it at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from atp_ray.measures.intervals import rate_interval
from atp_ray.measures.results import CellResult, Interval, values
from atp_ray.paradigms.registry import paradigm
from atp_ray.storage.tables import read_table

Course = Literal["climbs", "falls", "no clear change"]


class Tipping(NamedTuple):
    """One variant in one setting, all rates with 95 % intervals.

    `aligned` says whether round 1 is below the base's with intervals that do not overlap; `course` what happens from
    the first to the last round, by the same strict rule; `below_in_the_end` whether the last round is below the base's.
    """

    checkpoint: str
    setting: str
    base_first: Interval
    first: Interval
    base_last: Interval
    last: Interval

    @property
    def aligned(self) -> bool:
        """Whether round 1 is lower than the base's."""
        return self.first.high < self.base_first.low

    @property
    def course(self) -> Course:
        """What happens from the first to the last round."""
        if self.last.low > self.first.high:
            return "climbs"
        return "falls" if self.last.high < self.first.low else "no clear change"

    @property
    def below_in_the_end(self) -> bool:
        """Whether the last round is lower than the base's."""
        return self.last.high < self.base_last.low


def tippings(results: Sequence[CellResult], base: str) -> list[Tipping]:
    """Compare every other checkpoint with `base` in each setting both were played in and decided all rounds of."""
    bases = {_setting(result): result for result in results if result.setting.checkpoint == base}
    found = []
    for result in results:
        beside = bases.get(_setting(result))
        if result.setting.checkpoint == base or beside is None:
            continue
        ends = (beside.rates_R[0], result.rates_R[0], beside.rates_R[-1], result.rates_R[-1])
        if all(ends):
            found.append(Tipping(result.setting.checkpoint, _setting(result), *ends))  # type: ignore[arg-type]
    return found


def pooled_first_round(run_dir: Path, results: Sequence[CellResult], base: str) -> dict[str, Interval]:
    """Return each checkpoint's deviant rate in round 1 over the settings it shares with `base`, clustered by scenario.

    Only checkpoints that have finished all of the base's settings are there: a part of them is no fair comparison.
    """
    settings = {
        name: {_setting(r) for r in results if r.setting.checkpoint == name} for name in values(results, "checkpoint")
    }
    cells = read_table(run_dir, "cells").select(["cell_id", "checkpoint"]).to_pylist()
    wanted = {row["cell_id"]: row["checkpoint"] for row in cells if settings[row["checkpoint"]] == settings.get(base)}
    scenario_of = {
        row["episode_id"]: row["scenario"]
        for row in read_table(run_dir, "episodes").select(["episode_id", "scenario"]).to_pylist()
    }
    counts: dict[str, list[tuple[int, int, str]]] = {}
    for row in read_table(run_dir, "rounds").to_pylist():
        if row["round"] == 1 and row["cell_id"] in wanted:
            k, n = row["rate_deviant"], row["rate_decisions"]
            if n is None:  # a run of before there were these columns
                k, n = row["n_deviant"], row["n_deviant"] + row["n_aligned"]
            entry = (k, n, scenario_of[row["episode_id"]])
            counts.setdefault(wanted[row["cell_id"]], []).append(entry)
    return {name: interval for name, found in counts.items() if (interval := _pooled(found)) is not None}


def base_checkpoint(manifest: Mapping[str, object]) -> str | None:
    """Return the checkpoint the others of a run are compared with: the first one asked for."""
    checkpoints = manifest.get("checkpoints")
    if not isinstance(checkpoints, dict) or len(checkpoints) < 2:
        return None
    first = next(iter(checkpoints.values()))
    name = first.get("name") if isinstance(first, dict) else None
    return str(name) if name else None


def _pooled(counts: Sequence[tuple[int, int, str]]) -> Interval | None:
    found = rate_interval(*zip(*counts, strict=True))
    if found.rate is None or found.low is None or found.high is None:
        return None
    return Interval(found.rate, found.low, found.high, found.n, found.method)


def _setting(result: CellResult) -> str:
    """Return what a setting is called in a table: all of it that is not the checkpoint."""
    return paradigm(result.setting.paradigm).presentation.setting_label(result.setting)
