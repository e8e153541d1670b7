"""The figure of a prediction: chances by play, exact chain and mean field beside what was observed; resting states."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from atp_ray.foresight.foreseen import Foreseen
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, add_label
from atp_ray.responses.observed_flips import ObservedFlips
from atp_ray.responses.prediction import Forecast

ROW = 2.6  # inches
TITLE_WIDTH = 58  # characters of a panel's title
PLAYED, OBSERVED, EXACT, INFINITE = COLOURS[0], COLOURS[1], COLOURS[2], "#444444"


def draw_forecasts(foreseen: Foreseen) -> Figure:
    """Draw a row for each number of agents: the probability of a flip on the left, resting states on the right."""
    solved = any(forecast.resting is not None for forecast in foreseen.forecasts)
    rows = len(foreseen.forecasts)
    width = FULL_WIDTH if solved else FULL_WIDTH * 0.6
    figure = Figure(figsize=(width, ROW * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, 1 + solved, squeeze=False)
    for row, (forecast, observed) in enumerate(zip(foreseen.forecasts, foreseen.observed, strict=True)):
        _draw_chances(panels[row, 0], foreseen, forecast, observed)
        if solved:
            _draw_resting(panels[row, 1], foreseen, forecast)
    handles = {
        text: handle
        for panel in panels.ravel()
        for handle, text in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4, frameon=False)
    n_observed = sum(found.runs for observed in foreseen.observed for found in observed)
    source = f" Observed: {n_observed} runs with their 95 % intervals (mid-P); {foreseen.source}." if n_observed else ""
    add_label(figure, f"{foreseen.label} {foreseen.words.caption}.{source}")
    return figure


def _draw_chances(panel: Axes, foreseen: Foreseen, forecast: Forecast, observed: Sequence[ObservedFlips]) -> None:
    chances = forecast.chances
    committed = [chance.committed for chance in chances]
    low, high = [chance.ci_low for chance in chances], [chance.ci_high for chance in chances]
    panel.fill_between(committed, low, high, color=PLAYED, alpha=0.2, linewidth=0)
    size = 3 if len(committed) <= 40 else 1.5
    panel.plot(
        committed, [chance.p_flip for chance in chances], color=PLAYED, marker="o", markersize=size, label="played"
    )
    exact = [(chance.committed, chance.p_exact) for chance in chances if chance.p_exact is not None]
    if exact:
        panel.plot(
            *zip(*exact, strict=True),
            color=EXACT,
            linestyle="--",
            linewidth=1.2,
            marker="x",
            markersize=3,
            label="exact chain",
        )
    infinite = [(chance.committed, chance.p_mean_field) for chance in chances if chance.p_mean_field is not None]
    if infinite:
        panel.step(
            *zip(*infinite, strict=True), where="mid", color=INFINITE, linestyle=":", linewidth=1.1,
            label="infinite population, same time",
        )  # fmt: skip
    if observed:
        rates = [found.rate for found in observed]
        shares = np.array([rate.rate for rate in rates], dtype=float)
        below = shares - np.array([rate.low for rate in rates], dtype=float)
        above = np.array([rate.high for rate in rates], dtype=float) - shares
        panel.errorbar(
            [found.committed for found in observed], shares, yerr=np.maximum(0, [below, above]),
            fmt="s", markersize=4, color=OBSERVED, linewidth=0.8, capsize=2, label="observed",
        )  # fmt: skip
    panel.set_title("\n".join(textwrap.wrap(f"{forecast.n_agents} agents: {foreseen.words.title}", TITLE_WIDTH)))
    panel.set_xlabel(foreseen.words.committed)
    panel.set_ylabel(f"probability of a {foreseen.words.flip}")
    panel.set_ylim(-0.03, 1.03)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_resting(panel: Axes, foreseen: Foreseen, forecast: Forecast) -> None:
    """Draw the share at rest by committed share: solid where stable, dashed where it parts two basins."""
    resting = forecast.resting
    if resting is None:
        panel.set_axis_off()
        return
    committed_S, share_S, stable_S = resting.committed_S, resting.share_S, resting.stable_S
    for stable, style, text in ((True, "-", "at rest, stable"), (False, "--", "border of the basins")):
        # A piece keeps its last point, so that the pieces touch.
        shown_S = (stable_S == stable) | (np.roll(stable_S, 1) == stable)
        if not (stable_S == stable).any():
            continue
        panel.plot(
            np.where(shown_S, committed_S, np.nan), np.where(shown_S, share_S, np.nan),
            color="#222222", linestyle=style, linewidth=1.2, label=text,
        )  # fmt: skip
    n = forecast.n_agents
    panel.plot(
        [chance.committed / n for chance in forecast.chances], [chance.share for chance in forecast.chances],
        color=PLAYED, marker="o", markersize=3, linestyle="none", label="played",
    )  # fmt: skip
    places = [(resting.up, COLOURS[3], "goes over")]
    places += [(resting.down, COLOURS[4], "falls back")] if resting.turns_back else []
    for place, colour, text in places:
        if 0 < place < 1:
            panel.axvline(place, color=colour, linewidth=1, linestyle="-.", label=text)
    widest = max([0.02, *(chance.committed / n for chance in forecast.chances), resting.up if resting.up < 1 else 0])
    panel.set_xlim(-0.01, min(1.01, widest * 1.1))
    panel.set_ylim(-0.03, 1.03)
    panel.set_title("the same, infinitely many, unlimited time")
    panel.set_xlabel("committed share")
    panel.set_ylabel(f"share of answers: {foreseen.words.answer}")
