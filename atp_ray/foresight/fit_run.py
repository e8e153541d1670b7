"""`foresight fit RUN`: how a checkpoint responds, from its decisions in a run."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from atp_ray.cli.run import progress_bar
from atp_ray.errors import UsageError
from atp_ray.foresight.options import FitOptions
from atp_ray.measures.rates import FIXED_CHECKPOINTS
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.responding import FitSource, FittedRun
from atp_ray.responses.response import write_response
from atp_ray.storage.run_places import read_run
from atp_ray.storage.tables import read_table


def fit_run(console: Console, options: FitOptions, place: str) -> None:
    """Fit a response to a run and write it."""
    with read_run(place) as opened:
        chosen = options.checkpoint or _only_checkpoint(opened.folder)
        played = read_table(opened.folder, "episodes")["paradigm"].unique().to_pylist()
        responding = paradigm(str(played[0])).responding
        with progress_bar(console, "fitting", None, "fits") as update:
            source = FitSource(opened.folder, chosen, tuple(options.family_list))
            fitted = responding.fit(source, options.bootstrap, options.seed, update)
    write_response(options.out, fitted)
    console.print(f"{fitted.episodes:,} episodes, {fitted.decisions:,} decisions of {chosen}")
    console.print(_families(fitted))
    console.print(_parameters(fitted))
    console.print(fitted.label, style="italic")
    console.print(f"Response: {options.out}", soft_wrap=True)
    console.print(f"Player:   policy:fitted:{options.out}", soft_wrap=True)
    console.print(f"Next:     python -m atp_ray.foresight predict {options.out}", soft_wrap=True)


def _only_checkpoint(run_dir: Path) -> str:
    there = read_table(run_dir, "decisions")["checkpoint"].unique().to_pylist()
    players = sorted(set(there) - FIXED_CHECKPOINTS)
    if len(players) != 1:
        what = f"is needed, the run has {len(players)} that are not fixed"
        raise UsageError(what, "--checkpoint", f"Use one of {', '.join(players)}" if players else None)
    return str(players[0])


def _families(fitted: FittedRun) -> Table:
    title = "Held-out log-loss in nats per decision (cross-validated by episode)"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, justify in (("family", "left"), ("log-loss", "right"), ("", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_row("the rate, whatever was seen", f"{fitted.base_loss:.4f}", "")
    for family, loss in fitted.losses.items():
        table.add_row(family, f"{loss:.4f}", "chosen" if family == fitted.family else "")
    return table


def _parameters(fitted: FittedRun) -> Table:
    title = f"Parameters of the {fitted.family} response, 95 % intervals (bootstrap over episodes)"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("parameter")
    for name in ("estimate", "interval"):
        table.add_column(name, justify="right")
    for parameter, value, low, high in fitted.described():
        table.add_row(parameter, f"{value:.3g}", f"{low:.3g} to {high:.3g}")
    return table
