"""Figure 3: collusion rate by round, one panel per threshold, one line per checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from atp_ray.measures.results import CellResult, honest_label, interval_note, values
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, MARKERS, add_label, legend_columns
from atp_ray.report.published import PublishedFigure3, beside_paper

MOST_BARS = 12


def draw_rates_by_round(results: Sequence[CellResult], published: PublishedFigure3 | None) -> Figure:
    """Draw the figure for results that share one incentive ratio and one n.

    Args:
        published: the paper's round-1 rates, drawn at the left edge of the first panel (its threshold is easy, but
            the paper's text leaves open which easy one it is).
    """
    thresholds, checkpoints = values(results, "threshold"), values(results, "checkpoint")
    n_rounds = max(len(result.rates_R) for result in results)
    figure = Figure(figsize=(FULL_WIDTH, 2.35), layout="constrained")
    panels = figure.subplots(1, len(thresholds), sharey=True, squeeze=False)[0]
    for panel, threshold in zip(panels, thresholds, strict=True):
        for index, checkpoint in enumerate(checkpoints):
            cells = [r for r in results if r.setting.threshold == threshold and r.setting.checkpoint == checkpoint]
            for cell in cells:
                _draw_line(panel, cell, index, len(checkpoints))
        panel.set_title(f"threshold {threshold} of {results[0].setting.n_agents}")
        panel.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        panel.set_xlim(0.6, n_rounds + 0.4)
        panel.set_ylim(-0.03, 1.03)
        panel.set_xlabel("round")
    panels[0].set_ylabel("collusion rate")
    if published is not None and n_rounds <= MOST_BARS:
        shades = ("#222222", "#777777", "#AAAAAA")
        for rate, shade in zip(published.round_1_rates, shades, strict=False):
            share = rate.colluding / rate.decisions
            panels[0].plot(0.72, share, marker="*", markersize=6, linestyle="none", color=shade, clip_on=False,
                           label=f"paper: {rate.model}, round 1")  # fmt: skip
    handles, labels = panels[0].get_legend_handles_labels()
    # Our lines first; matplotlib lists them after plain markers.
    order = sorted(range(len(labels)), key=lambda i: labels[i].startswith("paper"))
    handles, labels = [handles[i] for i in order], [labels[i] for i in order]
    columns = legend_columns(labels, 4)
    figure.set_figheight(figure.get_figheight() + 0.17 * max(0, math.ceil(len(labels) / columns) - 2))
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False)
    ratio = results[0].setting.incentive_ratio
    note = f"Incentive ratio {ratio:g}; bars and bands are {interval_note(results)}."
    if published is not None and n_rounds <= MOST_BARS:
        note += f" Stars: the paper at an easy threshold. {beside_paper(results)}"
    add_label(figure, " ".join(part for part in (note, honest_label(results)) if part))
    return figure


def _draw_line(panel: Axes, cell: CellResult, index: int, n_lines: int) -> None:
    """Draw one checkpoint: bars for a few rounds, side by side, and a band for many."""
    n_rounds = len(cell.rates_R)
    offset = 0.06 * (index - (n_lines - 1) / 2) if n_rounds <= MOST_BARS else 0.0
    points = [(r + offset, rate) for r, rate in enumerate(cell.rates_R, start=1) if rate]
    x = [at for at, _ in points]
    y, low, high = (np.array([getattr(rate, end) for _, rate in points]) for end in ("rate", "low", "high"))
    name, colour = cell.setting.checkpoint, COLOURS[index % len(COLOURS)]
    if n_rounds > MOST_BARS:
        panel.plot(x, y, label=name, color=colour, linewidth=1.0)
        panel.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        return
    marker = MARKERS[index % len(MARKERS)]
    panel.errorbar(
        x, y, yerr=[y - low, high - y], label=name, color=colour, marker=marker, markersize=3.5, linewidth=1.3,
        capsize=2, elinewidth=0.8,
    )  # fmt: skip
