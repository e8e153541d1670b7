"""The table of mixed populations: the deviant rate of each checkpoint in games it shares with others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from atp_ray.measures.episode_counts import EpisodeCount, episode_counts, pooled_interval
from atp_ray.measures.rates import FIXED_CHECKPOINTS
from atp_ray.measures.results import CellResult
from atp_ray.paradigms.registry import paradigm
from atp_ray.report.texts import WIDE_COLUMNS, percent_text, shown_rounds
from atp_ray.storage.tables import read_table


def mixed_table(run_dir: Path, results: Sequence[CellResult]) -> Table | None:
    """Return deviant rates by checkpoint and round over all cells, None where nobody shares a game.

    The unit is the scenario: seats of one game, and games of one scenario in several settings, are not independent.
    """
    mixed = [result for result in results if "," in result.setting.checkpoint]
    if not mixed:
        return None
    cells = read_table(run_dir, "cells", ["cell_id"])["cell_id"].to_pylist()
    counts: dict[tuple[str, int], list[EpisodeCount]] = {}
    for count in episode_counts(run_dir, set(cells)):
        counts.setdefault((count.checkpoint, count.round), []).append(count)
    names = sorted({name for name, _ in counts} - FIXED_CHECKPOINTS)
    rounds = shown_rounds(max(number for _, number in counts), WIDE_COLUMNS)
    rate = " and ".join(dict.fromkeys(paradigm(result.setting.paradigm).presentation.terms.rate for result in mixed))
    title = f"Mixed populations: {rate} in % (95 % interval) by checkpoint, all cells"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("checkpoint", no_wrap=True)
    for number in rounds:
        table.add_column(f"r{number}", justify="right", no_wrap=True)
    for name in names:
        rates = (pooled_interval(counts.get((name, number), ()), number == 1) for number in rounds)
        table.add_row(name, *(percent_text(rate) for rate in rates))
    return table
