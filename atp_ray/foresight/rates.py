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
from atp_ray.checkpoint.scope import check_scope, require_fitted_to
from atp_ray.cli.run import progress_bar, report_console
from atp_ray.errors import UsageError
from atp_ray.foresight.options import RatesOptions
from atp_ray.foresight.played_rates import Played, PlayedRate, played_rates
from atp_ray.foresight.rates_figure import draw_rates
from atp_ray.foresight.tables import write_labelled
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.responding import FittedRun
from atp_ray.play.cells import CellSpec
from atp_ray.report.figures.style import figure_style, save_figure

LEVEL = (0.025, 0.975)
CLOSE = 0.05  # a predicted rate this near to the played one is counted as right
PLAYED_COLUMNS = ("played_rate", "played_low", "played_high")


class ExpectedRate(NamedTuple):
    """The expected deviant rate of one round of a setting, with the 95 % interval of the bootstrap over episodes.

    `played` is what a run did there, None where no run was given or nothing could be read.
    """

    cell: CellSpec
    round: int
    rate: float
    ci_low: float
    ci_high: float
    played: PlayedRate | None = None


def rates(options: RatesOptions) -> int:
    """Predict rates and write them; returns the exit code."""
    console = report_console()
    name = f"policy:{FITTED}{options.response}"
    profile = resolve_checkpoint(name)
    assert isinstance(profile, FittedProfile)
    responding = paradigm(profile.paradigm).responding
    fitted = responding.read(profile.response, str(options.response))
    observed = played_rates(options.observed, fitted) if options.observed else None
    cells = _grid_cells(options, name, profile) if observed is None else _played_cells(options, observed, profile)
    found: list[ExpectedRate] = []
    with progress_bar(console, "predicting", len(cells), "settings") as update:
        for done, cell in enumerate(cells, start=1):
            # All scenarios of a setting are one to a response that reads no words.
            rate_R, drawn_BR = responding.expected_rates(fitted, cell.episodes[0])
            low_R, high_R = np.quantile(drawn_BR, LEVEL, axis=0)
            rows = zip(rate_R.tolist(), low_R.tolist(), high_R.tolist(), strict=True)
            found += [
                ExpectedRate(cell, number, *row, observed.rates.get((cell.cell_id, number)) if observed else None)
                for number, row in enumerate(rows, start=1)
            ]
            update(done)
    label = f"{fitted.label} {observed.label}" if observed else fitted.label
    write_labelled(options.out, _as_table(found), label)
    console.print(_table(cells, found))
    if observed:
        console.print(summary(found))
    elif assumed := beyond_the_fit(fitted, cells):
        console.print(assumed)
    console.print(label, style="italic")
    console.print(f"Results: {options.out}", soft_wrap=True)
    if observed:
        with figure_style():
            figure = draw_rates(found, paradigm(cells[0].paradigm).presentation.terms.rate, label)
            for path in save_figure(figure, options.out.parent, options.out.stem, ("png", "svg")):
                console.print(f"Figure:  {path}", soft_wrap=True)
    else:
        console.print(f"Next:    python -m atp_ray.sweep --grid {options.grid} --checkpoint {name}", soft_wrap=True)
    return 0


def summary(found: Sequence[ExpectedRate]) -> str:
    """Return, for each size, how many of the expected rates are within 5 points, and the interval, of the played ones.

    A run of few episodes does not know its own rates to 5 points: then the interval is what says whether they agree.
    """
    by_size: dict[int, list[tuple[float, bool]]] = {}
    for row in found:
        if row.played is not None:
            inside = row.played.ci_low <= row.rate <= row.played.ci_high
            by_size.setdefault(row.cell.n_agents or 0, []).append((abs(row.rate - row.played.rate), inside))
    lines = [
        f"{size} agents: {sum(gap <= CLOSE for gap, _ in rows)} of {len(rows)} rates within {100 * CLOSE:.0f} points "
        f"of the played ones, {sum(inside for _, inside in rows)} within their 95 % interval; mean difference "
        f"{100 * float(np.mean([gap for gap, _ in rows])):.1f} points, largest {100 * max(gap for gap, _ in rows):.1f}"
        for size, rows in sorted(by_size.items())
    ]
    return "\n".join(lines) or "Nothing that was played could be compared."


def beyond_the_fit(fitted: FittedRun, cells: Sequence[CellSpec]) -> str | None:
    """Return what is assumed where populations are of other sizes than those of the fit; None where nothing is."""
    others = sorted({cell.n_agents for cell in cells if cell.n_agents} - set(fitted.sizes))
    if not others or not fitted.sizes:
        return None
    return (
        f"Fitted on episodes of {_listed(fitted.sizes)} agents: that agents respond alike among {_listed(others)} is "
        "assumed; play some to see whether they do (--observed)."
    )


def _listed(sizes: Sequence[int]) -> str:
    return ", ".join(f"{size:,}" for size in sizes)


def _grid_cells(options: RatesOptions, name: str, profile: FittedProfile) -> list[CellSpec]:
    grid = load_grid(
        options.grid,
        options.set,
        checkpoints=[name],
        n_agents=[options.n_agents] if options.n_agents else None,
        rounds=options.rounds,
    )
    cells = expand(grid, {name: profile})
    check_scope(cells, [profile])
    return cells


def _played_cells(options: RatesOptions, observed: Played, profile: FittedProfile) -> list[CellSpec]:
    if given := options.model_fields_set & {"grid", "n_agents", "rounds", "set"}:
        flag = f"--{min(given).replace('_', '-')}"
        raise UsageError("does not go with --observed, which has settings of its own", flag, "Leave one of them out")
    for cell in observed.cells:
        require_fitted_to(profile, cell.episodes[0])
    return observed.cells


def _table(cells: Sequence[CellSpec], found: Sequence[ExpectedRate]) -> Table:
    rate = paradigm(cells[0].paradigm).presentation.terms.rate
    played = any(row.played for row in found)
    title = f"Expected {rate} in % (95 % interval: bootstrap over the episodes of the fit)"
    caption = "After the colon what was played" if played else None
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("agents", "threshold", "incentive ratio"):
        table.add_column(name, justify="right")
    for number in sorted({row.round for row in found}):
        table.add_column(f"r{number}", justify="right", no_wrap=True)
    for cell in cells:
        own = [row for row in found if row.cell.cell_id == cell.cell_id]
        setting = (cell.n_agents, cell.setting.get("threshold"), cell.setting.get("incentive_ratio"))
        table.add_row(*("-" if value is None else str(value) for value in setting), *map(_text, own))
    return table


def _text(row: ExpectedRate) -> str:
    text = f"{100 * row.rate:.1f} ({100 * row.ci_low:.0f}-{100 * row.ci_high:.0f})"
    return f"{text}: {100 * row.played.rate:.1f}" if row.played else text


def _as_table(found: Sequence[ExpectedRate]) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {"n_agents": row.cell.n_agents, **row.cell.setting, "round": row.round, "deviant_rate": row.rate,
         "ci_low": row.ci_low, "ci_high": row.ci_high,
         **(dict(zip(PLAYED_COLUMNS, row.played, strict=True)) if row.played else {})}
        for row in found
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)
