"""The figure of expected and played deviant rates: a row for each number of agents, a column for each round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, MARKERS, add_label

if TYPE_CHECKING:
    from atp_ray.foresight.rates import ExpectedRate

_SPREAD = 0.012  # of the axis: points of different lines stand side by side


def draw_rates(found: Sequence[ExpectedRate], rate: str, label: str) -> Figure:
    """Draw the rate over the share of agents needed: lines as expected, points as played, both with intervals."""
    sizes = sorted({row.cell.n_agents or 0 for row in found})
    numbers = sorted({row.round for row in found})
    ratios = sorted({_ratio(row) for row in found})
    figure = Figure(figsize=(FULL_WIDTH, 0.9 + 1.7 * len(sizes)), layout="constrained")
    panels = figure.subplots(len(sizes), len(numbers), sharex=True, sharey=True, squeeze=False)
    for size, panel_row in zip(sizes, panels, strict=True):
        for number, panel in zip(numbers, panel_row, strict=True):
            here = [row for row in found if (row.cell.n_agents or 0) == size and row.round == number]
            panel.set_visible(bool(here))
            for index, ratio in enumerate(ratios):
                shift = _SPREAD * (index - (len(ratios) - 1) / 2)
                _draw_line(panel, [row for row in here if _ratio(row) == ratio], index, shift, f"ratio {ratio:g}")
            panel.set_title(f"{size} agents, round {number}")
            panel.set_ylim(-0.03, 1.03)
            panel.yaxis.set_major_formatter(PercentFormatter(1))
            panel.xaxis.set_major_formatter(PercentFormatter(1))
    for panel in panels[-1]:
        panel.set_xlabel("agents needed")
    for panel in panels[:, 0]:
        panel.set_ylabel(rate)
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(ratios), frameon=False)
    add_label(figure, f"Lines and bands: expected; points and bars: played (95 % intervals). {label}")
    return figure


def _draw_line(panel: Axes, rows: Sequence[ExpectedRate], index: int, shift: float, name: str) -> None:
    rows = sorted(rows, key=_share)
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
    share = np.array([_share(row) for row in rows])
    panel.fill_between(
        share, [row.ci_low for row in rows], [row.ci_high for row in rows], color=colour, alpha=0.2, linewidth=0
    )
    panel.plot(share, [row.rate for row in rows], color=colour, linewidth=1, label=name)
    played = [(_share(row) + shift, *row.played) for row in rows if row.played is not None]
    if played:
        x, middle, low, high = np.array(played).T
        bars = np.maximum(0, [middle - low, high - middle])
        panel.errorbar(x, middle, yerr=bars, fmt=marker, color=colour, markersize=3, linewidth=0.7, capsize=1.5)


def _ratio(row: ExpectedRate) -> float:
    return float(row.cell.setting.get("incentive_ratio") or 0)


def _share(row: ExpectedRate) -> float:
    return float(row.cell.setting.get("threshold") or 0) / (row.cell.n_agents or 1)
