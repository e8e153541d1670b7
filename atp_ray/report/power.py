"""`report power`: how many seeds a question needs, from a pilot run or from assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.cli.run import report_console
from atp_ray.errors import UsageError, suggestion
from atp_ray.measures.power import SEEDS, Assumptions, PowerRow, assumptions_from, least_seeds, power_rows
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.report.comparing import courses_by_checkpoint
from atp_ray.report.options import PowerOptions
from atp_ray.storage.run_places import read_run

_ANY_CHECKPOINT = "tiny"  # units and settings of a grid do not depend on who plays them


def power_command(options: PowerOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    assumed, source = _from_pilot(options) if options.pilot is not None else _from_grid(options)
    if options.difference > assumed.rate:
        hint = "Give a smaller --difference, or --rate"
        raise UsageError(f"a rate of {assumed.rate:.2f} cannot fall by {options.difference:g}", "--difference", hint)
    rows = list(power_rows(assumed, options.difference, options.alpha, options.power))
    _show(report_console(), options, assumed, source, rows)
    return 0


def _from_pilot(options: PowerOptions) -> tuple[Assumptions, str]:
    if options.grid is not None:
        raise UsageError("give a pilot run or a grid, not both", "--pilot", "Leave out --grid")
    assert options.pilot is not None
    with read_run(options.pilot) as opened:
        arms = courses_by_checkpoint(opened.folder)
    name = options.checkpoint or next(iter(arms))
    if name not in arms:
        raise UsageError(f"no checkpoint '{name}'", "--checkpoint", suggestion(name, arms))
    assumed = assumptions_from(arms[name], options.round == "last")
    repeated = len(arms[name][0].key_E) > assumed.units
    how = "repetitions of units" if repeated else "units played once, so on the safe side"
    return _changed(assumed, options), f"{options.pilot}, {name}, {options.round} round; icc from {how}"


def _from_grid(options: PowerOptions) -> tuple[Assumptions, str]:
    if options.grid is None:
        raise UsageError("neither a grid nor a pilot run is given", "--grid", "Give --grid GRID or --pilot RUN")
    if options.rate is None or options.icc is None:
        hint = "Give --rate and --icc, or a --pilot run to take them from"
        raise UsageError("the base's rate and its intra-class correlation are needed", "--rate, --icc", hint)
    if options.checkpoint is not None:
        raise UsageError("is for a pilot run", "--checkpoint", "Leave it out")
    grid = load_grid(options.grid, checkpoints=[_ANY_CHECKPOINT])
    cells = expand(grid, resolve_checkpoints([_ANY_CHECKPOINT], None))
    design = paradigm(grid.paradigm).design
    number = cells[0].episodes[0].rounds if options.round == "last" else 1
    units = len({design.unit(spec, number) for spec in cells[0].episodes})
    agents = cells[0].episodes[0].parameters.n_agents
    return _changed(Assumptions(units, len(cells), agents, 0.5, 0.0), options), f"grid {grid.name}, assumed"


def _changed(assumed: Assumptions, options: PowerOptions) -> Assumptions:
    """Return the assumptions with what was given."""
    given = {"rate": options.rate, "icc": options.icc, "settings": options.settings, "units": options.units}
    known: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return assumed._replace(effect_spread=options.effect_spread, **known)


def _show(console: Console, options: PowerOptions, assumed: Assumptions, source: str, rows: Sequence[PowerRow]) -> None:
    title = (
        f"Power in % to see a rate fall by {100 * options.difference:g} points (paired, two-sided {options.alpha:g})"
    )
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    columns = {
        "planned": "one setting, planned",
        "after_holm": f"one of {assumed.settings}, after Holm",
        "pooled": f"mean over {assumed.settings}",
    }
    if assumed.settings == 1:
        columns = {"planned": "the setting"}
    for heading in ("seeds", *columns.values()):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(str(row.seeds), *(f"{100 * getattr(row, column):.0f}" for column in columns))
    console.print(table)
    console.print(
        f"Assumed: {assumed.units} units, {assumed.settings} settings, {assumed.decisions} decisions an episode and "
        f"round, base rate {assumed.rate:.2f}, intra-class correlation {assumed.icc:.2f}, effect spread over units "
        f"{assumed.effect_spread:g} ({source}). Settings are taken to be alike.",
        soft_wrap=True,
    )
    needed = (f"{_seeds(least_seeds(rows, column, options.power))} for {told}" for column, told in columns.items())
    console.print(f"Seeds for a power of {options.power:.0%}: {'; '.join(needed)}.", soft_wrap=True)


def _seeds(number: int | None) -> str:
    return f"more than {SEEDS[-1]}" if number is None else str(number)
