"""`foresight fit --interactions`: how a model chooses among names, from a table of interactions."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from atp_ray.cli.run import progress_bar
from atp_ray.foresight.options import FitOptions
from atp_ray.responses.families import FAMILIES
from atp_ray.responses.fitting import affordable, fit_response
from atp_ray.responses.interactions import Selection, read_runs, windows
from atp_ray.responses.patterns import patterns_of
from atp_ray.responses.response import Response, make_response, write_response
from atp_ray.responses.window_codes import WindowCodes


def fit_interactions(console: Console, options: FitOptions, interactions: Path, model: str) -> None:
    """Fit a response to a table and write it."""
    selection = Selection(model, options.experiment, options.name_list, options.n_agents, options.memory)
    runs = read_runs(interactions, selection)
    WindowCodes(len(selection.names), runs[0].memory)  # refuses what could not be predicted afterwards
    decisions = windows(runs)
    patterns = patterns_of(decisions, len(selection.names))
    n_decisions = len(decisions.chosen_D)
    console.print(
        f"{len(runs)} runs, {n_decisions:,} decisions of {model} in {len(patterns.own_UH):,} different windows"
    )
    with progress_bar(console, "fitting", None, "fits") as update:
        families = options.family_list or affordable(patterns)
        fitted = fit_response(patterns, options.bootstrap, options.seed, families, on_step=update)
    response = make_response(interactions, selection, runs[0].memory, len(runs), n_decisions, fitted)
    write_response(options.out, response)
    console.print(_candidates(response))
    if left_out := [family for family in FAMILIES if family not in families]:
        console.print(f"Not tried: {', '.join(left_out)} (--families).")
    if response.calibration is not None:
        console.print(
            f"Calibration on held-out runs: predicted and observed shares differ by {response.calibration.error:.1%} "
            f"on average over ten bins, {response.calibration.worst:.1%} in the worst of them."
        )
    console.print(response.label, style="italic")
    console.print(f"Response: {options.out}", soft_wrap=True)
    console.print(f"Next:     python -m atp_ray.foresight predict {options.out}", soft_wrap=True)


def _candidates(response: Response) -> Table:
    """Return each family at its best penalty, the chosen one marked."""
    title = "Held-out log-loss in nats per decision (cross-validated by run)"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, justify in (
        ("family", "left"),
        ("what it is", "left"),
        ("penalty", "right"),
        ("log-loss", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_row("", "shares of the names, whatever was seen", "", f"{response.base_loss:.4f}", "")
    for family, text in FAMILIES.items():
        tried = [candidate for candidate in response.candidates if candidate.family == family]
        if tried:
            best = min(tried, key=lambda candidate: candidate.held_out_loss)
            mark = "chosen" if family == response.family else ""
            table.add_row(family, text, f"{best.penalty:g}", f"{best.held_out_loss:.4f}", mark)
    return table
