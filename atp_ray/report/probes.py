"""The table of a run's probes: what agents answered to side questions, round by round, and what happened."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from rich import box
from rich.table import Table

from atp_ray.report.cell_labels import cell_labels
from atp_ray.report.texts import WIDE_COLUMNS
from atp_ray.storage.tables import read_parts, written_tables

_COLUMNS = ("cell_id", "round", "probe", "kind", "answer", "value", "actual")


class ProbeRound(NamedTuple):
    """Answers to one probe in one round of a cell: asked, read, and the means of the values and of what happened.

    `actual` is over the answers that were read; both means are None where there is nothing to average.
    """

    n_asked: int
    n_read: int
    value: float | None
    actual: float | None


class ProbeRow(NamedTuple):
    """One probe in one cell, by round."""

    cell_id: str
    probe: str
    kind: str
    rounds: dict[int, ProbeRound]


def probe_rounds(run_dir: Path) -> list[ProbeRow]:
    """Return the answers to a run's probes by cell, probe and round; none where it has no probes.

    Raises:
        StorageError: a table cannot be read.
    """
    if "probes" not in written_tables(run_dir):
        return []
    rows: dict[tuple[str, str], ProbeRow] = {}
    for part in read_parts(run_dir, "probes", _COLUMNS):
        for entry in _summed(part).to_pylist():
            key = (entry["cell_id"], entry["probe"])
            row = rows.setdefault(key, ProbeRow(*key, entry["kind"], {}))
            row.rounds[entry["round"]] = ProbeRound(
                entry["round_count"], entry["answer_count"], entry["value_mean"], entry["actual_mean"]
            )
    return list(rows.values())


def probes_table(run_dir: Path) -> Table | None:
    """Return a row for each cell and probe, a column for each round it was asked in; None without probes."""
    rows = probe_rounds(run_dir)
    if not rows:
        return None
    labels = cell_labels(run_dir)
    rounds = _some(sorted({number for row in rows for number in row.rounds}))
    caption = "Numbers: mean answer, then the mean of what happened; yes or no: share of yes. Over all seats asked."
    table = Table(title="Side questions by round", caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("cell", "probe"):
        table.add_column(name, no_wrap=True)
    for name in (*(f"r{number}" for number in rounds), "not read"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        texts = (_text(row.kind, row.rounds.get(number)) for number in rounds)
        n_asked = sum(entry.n_asked for entry in row.rounds.values())
        n_read = sum(entry.n_read for entry in row.rounds.values())
        table.add_row(labels.get(row.cell_id, row.cell_id), row.probe, *texts, f"{1 - n_read / n_asked:.1%}")
    return table


def _summed(part: pa.Table) -> pa.Table:
    """Return counts and means by cell, probe and round."""
    textual = pc.equal(part["kind"], "text")
    read = pc.or_(pc.is_valid(part["value"]), pc.and_(textual, pc.is_valid(part["answer"])))
    # What was not read says nothing of what was expected.
    for name in ("answer", "actual"):
        place = part.schema.get_field_index(name)
        part = part.set_column(place, name, pc.if_else(read, part[name], None))
    return part.group_by(["cell_id", "probe", "kind", "round"], use_threads=False).aggregate(
        [("round", "count"), ("answer", "count"), ("value", "mean"), ("actual", "mean")]
    )


def _some(rounds: list[int]) -> list[int]:
    """Return those of the rounds that there is room for: the first, the last, and evenly spaced ones between."""
    if len(rounds) <= WIDE_COLUMNS:
        return rounds
    return [rounds[round(place * (len(rounds) - 1) / (WIDE_COLUMNS - 1))] for place in range(WIDE_COLUMNS)]


def _text(kind: str, entry: ProbeRound | None) -> str:
    if entry is None or not entry.n_read:
        return "-"
    if kind == "text" or entry.value is None:
        return f"{entry.n_read} answers"
    if kind == "yes_no":
        return f"{entry.value:.0%}"
    return f"{entry.value:.2f}" if entry.actual is None else f"{entry.value:.2f} / {entry.actual:.2f}"
