"""The share of each option by round: a panel per cell, a line with its interval per option."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from atp_ray.measures.results import CellResult, OptionResult, Setting, values
from atp_ray.report.figures.rate_panels import OTHERS, finish_panel, with_legend
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, MARKERS
from atp_ray.report.share_tables import chief_options

MOST_PANELS_IN_A_ROW = 3
MOST_BARS = 6  # on one line
TITLE_CHARACTERS = 96  # side by side over the full width
TELLING = 0.005  # a difference that can be seen
_OTHERS = "#777777"
_POPULATION = "Thin dashed lines: all seats, fixed ones included."


def draw_shares(results: Sequence[CellResult], label: Callable[[Setting], str]) -> Figure:
    """Draw the shares of the options that ever mattered; the others are one grey line together."""
    n_columns = min(len(results), MOST_PANELS_IN_A_ROW)
    n_rows = -(-len(results) // n_columns)
    figure = Figure(figsize=(FULL_WIDTH, 2.1 * n_rows + 1.0), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False).ravel().tolist()
    chief = chief_options(results)
    several = len(values(results, "checkpoint")) > 1
    differs = False
    for panel, result in zip(panels, results, strict=False):
        for option in result.options:
            if option.option in chief:
                differs |= _draw_option(panel, option, chief.index(option.option), len(chief))
        _draw_others(panel, [option for option in result.options if option.option not in chief])
        # A setting's name may be wider than its panel.
        title = textwrap.fill(label(result.setting), int(TITLE_CHARACTERS / n_columns))
        title = f"{result.setting.checkpoint}\n{title}" if several else title
        finish_panel(panel, "share of seats" if panel in panels[::n_columns] else "", title)
    for panel in panels[len(results) :]:
        panel.set_visible(False)
    return with_legend(figure, panels, results, _POPULATION if differs else "")


def _draw_option(panel: Axes, option: OptionResult, index: int, n_options: int) -> bool:
    """Draw one of the options that are drawn one by one.

    Returns whether its share among all seats differs, and is drawn too.
    """
    x = np.array([number for number, share in enumerate(option.shares_R, start=1) if share], dtype=int)
    y, low, high = (np.array([getattr(s, end) for s in option.shares_R if s]) for end in ("rate", "low", "high"))
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
    panel.plot(x, y, color=colour, linewidth=1.5, zorder=3)
    # Bars at every round would hide the lines; those of different options stand beside each other.
    every = max(1, len(x) // MOST_BARS)
    at = slice(max(0, len(x) - 1 - index * every // n_options) % every if len(x) else 0, None, every)
    beside = 0.06 * (index - (n_options - 1) / 2) if every == 1 else 0.0
    panel.errorbar(
        x[at] + beside, y[at], yerr=[(y - low)[at], (high - y)[at]], label=option.option, color=colour, marker=marker,
        markersize=4, linestyle="none", capsize=2, elinewidth=0.8, zorder=4,
    )  # fmt: skip
    population = np.array([np.nan if share is None else share for share in option.population_R])
    differs = bool(len(x)) and bool((np.abs(population[x - 1] - y) > TELLING).any())
    if differs:
        panel.plot(range(1, len(population) + 1), population, color=colour, linewidth=0.8, linestyle=(0, (4, 2)))
    return differs


def _draw_others(panel: Axes, options: Sequence[OptionResult]) -> None:
    if options:
        shares = [[s.rate if s else np.nan for s in option.shares_R] for option in options]
        y = np.array(shares).sum(axis=0)
        panel.plot(range(1, len(y) + 1), y, color=_OTHERS, linewidth=1.2, linestyle=":", label=OTHERS)
