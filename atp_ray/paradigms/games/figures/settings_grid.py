"""Figure 6: all settings at once, one panel per threshold and incentive ratio, collusion rate by round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from atp_ray.measures.results import CellResult, honest_label, interval_note, values
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, MARKERS, add_label, legend_columns


def draw_settings_grid(results: Sequence[CellResult]) -> Figure:
    """Draw the panels, rows thresholds and columns incentive ratios, lines checkpoints with 95 % intervals."""
    thresholds, checkpoints = values(results, "threshold"), values(results, "checkpoint")
    ratios = sorted(values(results, "incentive_ratio"), key=float)  # type: ignore[arg-type]
    n_rounds = max(len(result.rates_R) for result in results)
    figure = Figure(figsize=(FULL_WIDTH, 0.8 + 1.15 * len(thresholds)), layout="constrained")
    panels = figure.subplots(len(thresholds), len(ratios), sharex=True, sharey=True, squeeze=False)
    for cell in results:
        row, col = thresholds.index(cell.setting.threshold), ratios.index(cell.setting.incentive_ratio)
        index = checkpoints.index(cell.setting.checkpoint)
        rounds = [r for r, rate in enumerate(cell.rates_R, start=1) if rate]
        y = np.array([rate.rate for rate in cell.rates_R if rate])
        low = [rate.low for rate in cell.rates_R if rate]
        high = [rate.high for rate in cell.rates_R if rate]
        colour = COLOURS[index % len(COLOURS)]
        panels[row, col].fill_between(rounds, low, high, color=colour, alpha=0.18, linewidth=0)
        panels[row, col].plot(
            rounds, y, color=colour, marker=MARKERS[index % len(MARKERS)], markersize=3, linewidth=1.2,
            label=cell.setting.checkpoint,
        )  # fmt: skip
    for col, ratio in enumerate(ratios):
        panels[0, col].set_title(f"incentive ratio {ratio:g}")
        panels[-1, col].set_xlabel("round")
    for row, threshold in enumerate(thresholds):
        panels[row, 0].set_ylabel(f"threshold {threshold}\ncollusion rate")
    panels[0, 0].xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    panels[0, 0].set_ylim(-0.05, 1.05)
    panels[0, 0].set_xlim(0.7, n_rounds + 0.3)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=legend_columns(labels, 6), frameon=False)
    add_label(
        figure, " ".join(part for part in (f"Bands are {interval_note(results)}.", honest_label(results)) if part)
    )
    return figure
