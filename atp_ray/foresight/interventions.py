"""`foresight interventions`: what stops a population of a fitted response from tipping, ranked by the dose it takes."""

from __future__ import annotations

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table

from atp_ray.cli.run import progress_bar, report_console
from atp_ray.foresight.naming_flips import N_AGENTS, read_naming
from atp_ray.foresight.options import InterventionOptions
from atp_ray.foresight.run_tipping import read_run_response
from atp_ray.foresight.tables import answers_names, write_labelled
from atp_ray.responses.interventions import STOPPED, Ranked, Stopping, ranked, stop_flips
from atp_ray.responses.population import Game


def interventions(options: InterventionOptions) -> int:
    """Try interventions and rank them; returns the exit code."""
    console = report_console()
    with progress_bar(console, "playing", None, "bootstrap samples") as update:
        if not answers_names(options.response):
            found = read_run_response(options)
            spec = found.episode(options, options.n_agents)
            label = found.fitted.label
            title = f"{found.fitted.checkpoint}, fitted, {spec.parameters.n_agents} agents, {spec.rounds} rounds"
            stopping = found.responding.stop(
                found.fitted, spec, options.committed, options.runs, options.samples, options.seed, update
            )
        else:
            response, start, to = read_naming(options)
            game = Game(options.n_agents or N_AGENTS, start, to, options.interactions_total)
            network = options.neighbours(game.n_agents)
            label = response.label
            title = (
                f"{response.fitted_on.model}, fitted, {game.n_agents} agents, "
                f"{response.names[start]} to {response.names[to]}, {game.n_interactions} interactions"
            )
            stopping = stop_flips(
                response, game, options.committed, options.runs, options.samples, options.seed, update, network
            )
    rows = ranked(stopping.trials, options.dose)
    columns = {name: [getattr(row, name) for row in rows] for name in Ranked._fields}
    numbers = {name: pa.float64() for name in ("needed", "needed_low", "needed_high")}
    written = {name: pa.array(values, numbers.get(name)) for name, values in columns.items()}
    write_labelled(options.out, pa.table({**written, "committed": [stopping.committed] * len(rows)}), label)
    _print(console, title, stopping, rows)
    console.print(label, style="italic")
    console.print(f"Results: {options.out}", soft_wrap=True)
    return 0


def _print(console: Console, title: str, stopping: Stopping, rows: list[Ranked]) -> None:
    caption = "95 % intervals: bootstrap over the runs or episodes of the fit, and the populations played"
    heading = f"{title}; {stopping.committed} committed: a flip in {rows[0].p_without:.0%} of them"
    table = Table(title=heading, caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("what is done")
    for name in (
        f"dose for a flip below {STOPPED:.0%}",
        "of at most",
        "points taken away",
        "by",
        "points per 1 % of the range",
    ):
        table.add_column(name, justify="right")
    for row in rows:
        ends = f"{_dose(row.needed_low, row.unit)} to {_dose(row.needed_high, row.unit)}"
        needed = (
            "not enough" if row.needed is None else f"{_dose(row.needed, row.unit)} {row.unit}".replace(" share", "")
        )
        table.add_row(
            row.intervention,
            f"{needed} ({ends})",
            _dose(row.full, row.unit),
            f"{100 * row.effect:.0f} ({100 * row.ci_low:.0f} to {100 * row.ci_high:.0f})",
            _dose(row.told, row.unit),
            f"{row.effect_per_dose:.1f}",
        )
    console.print(table)
    console.print(stopping.cannot)


def _dose(dose: float | None, unit: str) -> str:
    if dose is None:
        return "more"
    return f"{dose:.0%}" if unit == "share" else f"{dose:.0f}"
