"""The table of mixed populations: how often each checkpoint colludes in games it shares with others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc
from rich import box
from rich.table import Table

from atp_ray.measures.intervals import wilson_interval
from atp_ray.measures.rates import FIXED_CHECKPOINTS
from atp_ray.measures.results import CellResult, Interval
from atp_ray.report.texts import WIDE_COLUMNS, percent_text, shown_rounds
from atp_ray.storage.tables import read_table


def mixed_table(run_dir: Path, results: Sequence[CellResult]) -> Table | None:
    """Return collusion rates by checkpoint and round over all cells, None where nobody shares a game.

    Seats of one game are not independent of each other; the intervals (Wilson) are too narrow for any claim about them.
    """
    if not any("," in result.setting.checkpoint for result in results):
        return None
    decisions = read_table(run_dir, "decisions")
    # Runs of before there was the column have the action alone.
    counted = pc.coalesce(decisions["counts_as"], decisions["action"])
    columns = (decisions["checkpoint"], decisions["round"], counted)
    counts = Counter(zip(*(column.to_pylist() for column in columns), strict=True))
    names = sorted({name for name, _, _ in counts} - FIXED_CHECKPOINTS)
    rounds = shown_rounds(max(number for _, number, _ in counts), WIDE_COLUMNS)
    title = "Mixed populations: collusion rate in % (95 % interval) by checkpoint, all cells"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("checkpoint", no_wrap=True)
    for number in rounds:
        table.add_column(f"r{number}", justify="right", no_wrap=True)
    for name in names:
        rates = (_rate(counts[name, number, "deviant"], counts[name, number, "aligned"]) for number in rounds)
        table.add_row(name, *(percent_text(rate) for rate in rates))
    return table


def _rate(deviant: int, aligned: int) -> Interval | None:
    n = deviant + aligned
    return Interval(deviant / n, *wilson_interval(deviant, n), n, "wilson") if n else None
