"""`foresight predict`: how many committed agents, or fixed colluders, flip a population of a fitted response."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table

from atp_ray.cli.run import report_console
from atp_ray.foresight.figure import draw_forecasts
from atp_ray.foresight.foreseen import Words
from atp_ray.foresight.naming_flips import foresee_flips
from atp_ray.foresight.options import PredictOptions
from atp_ray.foresight.run_tipping import foresee_tipping
from atp_ray.foresight.tables import answers_names, write_labelled
from atp_ray.report.figures.style import figure_style, save_figure
from atp_ray.responses.observed_flips import ObservedFlips, brier_score
from atp_ray.responses.prediction import Chance, CriticalMass, Forecast


def predict(options: PredictOptions) -> int:
    """Predict flips and write them; returns the exit code."""
    console = report_console()
    foresee = foresee_flips if answers_names(options.response) else foresee_tipping
    foreseen = foresee(console, options)
    label = foreseen.label
    write_labelled(options.out, _chances(foreseen.forecasts, foreseen.words), label)
    beside = options.out.with_name(f"{options.out.stem}_critical{options.out.suffix}")
    write_labelled(beside, _critical(foreseen.forecasts), label)
    for forecast, observed in zip(foreseen.forecasts, foreseen.observed, strict=True):
        console.print(_table(forecast, observed, foreseen.words))
        _describe(console, forecast, observed, foreseen.words)
    for note in foreseen.notes:
        console.print(note)
    console.print(label, style="italic")
    with figure_style():
        figures = save_figure(draw_forecasts(foreseen), options.out.parent, options.out.stem, ("png", "svg"))
    _tell_files(console, [options.out, beside], figures)
    return 0


def _chances(forecasts: Sequence[Forecast], words: Words) -> pa.Table:
    columns = {name: [getattr(each, name) for f in forecasts for each in f.chances] for name in Chance._fields}
    columns[f"mean_{words.time}"] = columns.pop("mean_time")
    first = ("committed", "p_flip", "ci_low", "ci_high", f"mean_{words.time}")
    rest = {name: values for name, values in columns.items() if name not in first}
    n_agents = [forecast.n_agents for forecast in forecasts for _ in forecast.chances]
    types = {"p_exact": pa.float64(), "p_mean_field": pa.float64()}  # of a column without any value too
    ordered = {name: columns[name] for name in first} | {"n_agents": n_agents} | rest
    return pa.table({name: pa.array(values, types.get(name)) for name, values in ordered.items()})


def _critical(forecasts: Sequence[Forecast]) -> pa.Table:
    def of(values: Sequence[float | None], kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind)

    return pa.table(
        {
            "n_agents": of([f.n_agents for f in forecasts], pa.int64()),
            "critical_mass": of([f.critical.committed for f in forecasts], pa.int64()),
            "ci_low": of([f.critical.ci_low for f in forecasts], pa.int64()),
            "ci_high": of([f.critical.ci_high for f in forecasts], pa.int64()),
            "mean_field_up": of([f.resting and f.resting.up for f in forecasts], pa.float64()),
            "mean_field_down": of([f.resting and f.resting.down for f in forecasts], pa.float64()),
        }
    )


def _table(forecast: Forecast, observed: Sequence[ObservedFlips], words: Words) -> Table:
    title = f"{forecast.n_agents} agents: {words.title}"
    table = Table(title=title, caption=words.caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    exact = any(chance.p_exact is not None for chance in forecast.chances)
    infinite = any(chance.p_mean_field is not None for chance in forecast.chances)
    columns = ["committed", f"P({words.flip})", "interval", *(["exact chain"] if exact else [])]
    columns += [*(["infinite"] if infinite else []), f"{words.time} until", *(["observed"] if observed else [])]
    for name in columns:
        table.add_column(name, justify="right")
    seen = {found.committed: f"{found.flipped} of {found.runs}" for found in observed}
    for chance in forecast.chances:
        row = [str(chance.committed), f"{chance.p_flip:.2f}", f"{chance.ci_low:.2f}-{chance.ci_high:.2f}"]
        row += [_or_dash(chance.p_exact)] if exact else []
        row += [{0.0: "no", 1.0: "yes", None: "-"}[chance.p_mean_field]] if infinite else []
        table.add_row(*row, f"{chance.mean_time:.1f}", *([seen.get(chance.committed, "")] if observed else []))
    return table


def _describe(console: Console, forecast: Forecast, observed: Sequence[ObservedFlips], words: Words) -> None:
    console.print(f"Critical mass: {_told(forecast.critical)}")
    resting, n = forecast.resting, forecast.n_agents
    if resting is not None:
        up = f"it goes over at a committed share of {resting.up:.1%} ({resting.up * n:.1f} of {n})"
        if resting.up >= 1:
            up = "no committed share carries it over"
        elif resting.up <= 0:
            up = "it goes over by itself"
        back = f"once over, it falls back below {resting.down:.1%}" if resting.down > 0 else "once over, it stays"
        if not resting.turns_back:
            back = "there is no hysteresis"
        console.print(f"Infinite population, unlimited time: {up}; {back}.")
        for committed in (0.0, *([resting.up / 2] if 0 < resting.up < 1 else [])):
            console.print(f"  at rest with {committed:.1%} committed: {_states(resting.states(committed), words)}")
    scored = [found for found in observed if any(found.committed == chance.committed for chance in forecast.chances)]
    if scored:
        score = brier_score({chance.committed: chance.p_flip for chance in forecast.chances}, scored)
        console.print(f"Brier score against {sum(found.runs for found in scored)} observed runs: {score:.3f}")


def _states(states: Sequence[tuple[float, bool]], words: Words) -> str:
    parts = [f"{share:.1%} {words.answer}" if stable else f"(border {share:.1%})" for share, stable in states]
    return ", ".join(parts) or "nowhere"


def _told(critical: CriticalMass) -> str:
    if critical.committed is None and critical.ci_low is None:
        return "more than were tried"
    ends = ["more" if end is None else str(end) for end in (critical.ci_low, critical.ci_high)]
    middle = "more than were tried" if critical.committed is None else str(critical.committed)
    return f"{middle} (95 % interval {ends[0]} to {ends[1]}; bootstrap)"


def _or_dash(chance: float | None) -> str:
    return "-" if chance is None else f"{chance:.2f}"


def _tell_files(console: Console, tables: Sequence[Path], figures: Sequence[Path]) -> None:
    for path in tables:
        console.print(f"Results: {path}", soft_wrap=True)
    for path in figures:
        console.print(f"Figure:  {path}", soft_wrap=True)
