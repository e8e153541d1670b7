"""`foresight rates`: the deviant rates of populations of a fitted response, by an exact chain instead of by play."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from rich import box
from rich.table import Table

from atp_ray.checkpoint.names import FITTED, resolve_checkpoint
from atp_ray.checkpoint.profiles import FittedProfile
from atp_ray.checkpoint.scope import check_scope
from atp_ray.cli.run import progress_bar, report_console
from atp_ray.foresight.options import RatesOptions
from atp_ray.foresight.tables import write_labelled
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec

LEVEL = (0.025, 0.975)


class ExpectedRate(NamedTuple):
    """The expected deviant rate of one round of a setting, with the 95 % interval of the bootstrap over episodes."""

    cell: CellSpec
    round: int
    rate: float
    ci_low: float
    ci_high: float


def rates(options: RatesOptions) -> int:
    """Predict rates and write them; returns the exit code."""
    console = report_console()
    name = f"policy:{FITTED}{options.response}"
    grid = load_grid(
        options.grid,
        options.set,
        checkpoints=[name],
        n_agents=[options.n_agents] if options.n_agents else None,
        rounds=options.rounds,
    )
    profile = resolve_checkpoint(name)
    assert isinstance(profile, FittedProfile)
    # All scenarios of a setting are one to a response that reads no words.
    cells = expand(grid, {name: profile})
    check_scope(cells, [profile])
    responding = paradigm(profile.paradigm).responding
    fitted = responding.read(profile.response, str(options.response))
    found: list[ExpectedRate] = []
    with progress_bar(console, "predicting", len(cells), "settings") as update:
        for done, cell in enumerate(cells, start=1):
            rate_R, drawn_BR = responding.expected_rates(fitted, cell.episodes[0])
            low_R, high_R = np.quantile(drawn_BR, LEVEL, axis=0)
            rows = zip(rate_R.tolist(), low_R.tolist(), high_R.tolist(), strict=True)
            found += [ExpectedRate(cell, number, *row) for number, row in enumerate(rows, start=1)]
            update(done)
    write_labelled(options.out, _as_table(found), fitted.label)
    console.print(_table(cells, found))
    console.print(fitted.label, style="italic")
    console.print(f"Results: {options.out}", soft_wrap=True)
    console.print(f"Next:    python -m atp_ray.sweep --grid {options.grid} --checkpoint {name}", soft_wrap=True)
    return 0


def _table(cells: Sequence[CellSpec], found: Sequence[ExpectedRate]) -> Table:
    rate = paradigm(cells[0].paradigm).presentation.terms.rate
    title = f"Expected {rate} in % (95 % interval: bootstrap over the episodes of the fit)"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("agents", "threshold", "incentive ratio"):
        table.add_column(name, justify="right")
    for number in sorted({row.round for row in found}):
        table.add_column(f"r{number}", justify="right", no_wrap=True)
    for cell in cells:
        own = [row for row in found if row.cell.cell_id == cell.cell_id]
        texts = [f"{100 * row.rate:.1f} ({100 * row.ci_low:.0f}-{100 * row.ci_high:.0f})" for row in own]
        setting = (cell.n_agents, cell.setting.get("threshold"), cell.setting.get("incentive_ratio"))
        table.add_row(*("-" if value is None else str(value) for value in setting), *texts)
    return table


def _as_table(found: Sequence[ExpectedRate]) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {"n_agents": row.cell.n_agents, **row.cell.setting, "round": row.round, "deviant_rate": row.rate,
         "ci_low": row.ci_low, "ci_high": row.ci_high}
        for row in found
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)
