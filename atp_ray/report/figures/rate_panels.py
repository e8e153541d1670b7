"""Panels of rates by round, with intervals, and the paper's as thin grey lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from atp_ray.measures.results import CellResult, Interval, honest_label, interval_note
from atp_ray.report.figures.style import COLOURS, MARKERS, add_label
from atp_ray.report.published import PublishedSeries

OTHERS = "others together"
_DASHES = {"": "-", "DPO": "--", "GRPO": ":"}  # by variant of the base model
_GREYS = {"Qwen": "#555555", "Llama": "#AAAAAA"}  # by base model


def draw_rates(panel: Axes, rates: Sequence[Interval | None], name: str, index: int, n_lines: int) -> None:
    """Draw one checkpoint's rates with their intervals, beside those of `n_lines` in all."""
    offset = 0.06 * (index - (n_lines - 1) / 2)
    points = [(number + offset, rate) for number, rate in enumerate(rates, start=1) if rate]
    x = [at for at, _ in points]
    y, low, high = (np.array([getattr(rate, end) for _, rate in points]) for end in ("rate", "low", "high"))
    panel.errorbar(
        x, y, yerr=[y - low, high - y], label=name, color=COLOURS[index % len(COLOURS)],
        marker=MARKERS[index % len(MARKERS)], markersize=4, linewidth=1.6, capsize=2, elinewidth=0.8, zorder=3,
    )  # fmt: skip


def draw_published(panel: Axes, table: Sequence[PublishedSeries]) -> None:
    """Draw the paper's rates as thin grey lines."""
    for series in table:
        base, _, variant = series.model.partition(" + ")
        shares = [value / 100 for value in series.values]
        panel.plot(
            range(1, len(shares) + 1), shares, color=_GREYS[base.partition("-")[0].rstrip("3")], linewidth=1.0,
            linestyle=_DASHES[variant], label=f"paper: {series.model}",
        )  # fmt: skip


def finish_panel(panel: Axes, quantity: str, title: str) -> None:
    """Give a panel of rates its axes."""
    panel.set_title(title)
    panel.set_xlabel("round")
    panel.set_ylabel(quantity)
    panel.set_ylim(-0.03, 1.03)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def with_legend(figure: Figure, panels: Sequence[Axes], results: Sequence[CellResult], note: str) -> Figure:
    """Give the figure one legend for all panels, ours first, and the honest label; returns it."""
    entries: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    labels = sorted(entries, key=lambda label: (label.startswith("paper"), label == OTHERS))
    figure.legend([entries[label] for label in labels], labels, loc="outside upper center", ncols=4, frameon=False)
    note = f"Bars are {interval_note(results)}. {note}".strip()
    add_label(figure, " ".join(part for part in (note, honest_label(results)) if part))
    return figure
