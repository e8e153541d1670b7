"""`foresight predict`: how many committed agents flip a population of fitted responders."""

from __future__ import annotations

import pyarrow as pa
from rich import box
from rich.table import Table

from atp_ray.cli.run import progress_bar, report_console
from atp_ray.errors import UsageError
from atp_ray.foresight.figure import draw_flips
from atp_ray.foresight.options import PredictOptions
from atp_ray.foresight.tables import write_labelled
from atp_ray.report.figures.style import figure_style, save_figure
from atp_ray.responses.interactions import Selection, read_runs
from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.observed_flips import ObservedFlips, brier_score, observed_flips
from atp_ray.responses.prediction import FlipChance, predict_flips
from atp_ray.responses.response import Response, read_response


def predict(options: PredictOptions) -> int:
    """Predict flips and write them; returns the exit code."""
    console = report_console()
    response = read_response(options.response)
    start = response.number(options.start, "--from") if options.start else 0
    to = response.number(options.to, "--to") if options.to else int(start == 0)
    if start == to:
        raise UsageError("is the name the population has agreed on already", f"--to {response.names[to]}")
    if options.counts[-1] > options.n_agents:
        what = f"{options.counts[-1]} committed agents of {options.n_agents}"
        raise UsageError(what, "--committed", "Give fewer, or more with --n-agents")
    observed = _observed(options, response, start)
    with progress_bar(console, "playing", None, "bootstrap samples") as update:
        flips = predict_flips(
            response,
            options.counts,
            options.n_agents,
            start,
            to,
            options.interactions_total,
            options.runs,
            options.seed,
            update,
        )
    share = MeanField(response.chances(), response.codes).critical_mass(start, to)
    columns = {name: [getattr(flip, name) for flip in flips] for name in FlipChance._fields}
    write_labelled(options.out, pa.table(columns), response.label)
    console.print(_table(response, options, flips, observed, start, to))
    if share is None:
        console.print("Infinite population: no committed share flips it.")
    else:
        console.print(
            f"Infinite population, unlimited time: it flips from a committed share of {share:.1%} on "
            f"({share * options.n_agents:.1f} of {options.n_agents})."
        )
    scored = [flips_ for flips_ in observed if flips_.committed in options.counts]
    if scored:
        score = brier_score({flip.committed: flip.p_flip for flip in flips}, scored)
        console.print(f"Brier score against {sum(f.runs for f in scored)} observed runs: {score:.3f}")
    console.print(response.label, style="italic")
    with figure_style():
        figure = draw_flips(response, flips, observed, options.n_agents, start, to, share)
        figures = save_figure(figure, options.out.parent, options.out.stem, ("png", "svg"))
    console.print(f"Results: {options.out}", soft_wrap=True)
    for path in figures:
        console.print(f"Figure:  {path}", soft_wrap=True)
    return 0


def _observed(options: PredictOptions, response: Response, start: int) -> list[ObservedFlips]:
    if options.observed is None:
        return []
    model = response.fitted_on.model
    selection = Selection(model, ("swap",), response.names, options.n_agents, response.memory)
    return observed_flips(read_runs(options.observed, selection), start)


def _table(
    response: Response,
    options: PredictOptions,
    flips: list[FlipChance],
    observed: list[ObservedFlips],
    start: int,
    to: int,
) -> Table:
    names = response.names
    title = (
        f"{response.fitted_on.model}, fitted: {options.n_agents} agents leave {names[start]} for {names[to]} "
        f"within {options.interactions_total} interactions"
    )
    caption = "95 % intervals: bootstrap over the runs of the fit, and the number of populations played"
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("committed", "P(flip)", "interval", "interactions until", *(["observed"] if observed else [])):
        table.add_column(name, justify="right")
    seen = {found.committed: f"{found.flipped} of {found.runs}" for found in observed}
    for flip in flips:
        interval = f"{flip.ci_low:.2f}-{flip.ci_high:.2f}"
        row = [str(flip.committed), f"{flip.p_flip:.2f}", interval, f"{flip.mean_interactions:.0f}"]
        table.add_row(*row, *([seen.get(flip.committed, "")] if observed else []))
    return table
