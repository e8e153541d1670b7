"""Tables 1 and 2 as figures: rates by round of single agents, the paper's as thin grey lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from atp_ray.figures.style import COLOURS, FULL_WIDTH, MARKERS, add_label
from atp_ray.published import PAPER_SUPERVISION, PublishedSeries, PublishedTable1, PublishedTable2
from atp_ray.results import CellResult, Interval, complement, honest_label, values

MOST_PANELS_IN_A_ROW = 4
_DASHES = {"": "-", "DPO": "--", "GRPO": ":"}  # by variant of the base model
_GREYS = {"Qwen": "#555555", "Llama": "#AAAAAA"}  # by base model


def draw_violation_rates(results: Sequence[CellResult], published: PublishedTable1) -> Figure:
    """Draw violation rate by round, one panel per supervision pattern; the paper's in the pattern it used."""
    patterns = values(results, "supervision")
    n_columns = min(len(patterns), MOST_PANELS_IN_A_ROW)
    n_rows = -(-len(patterns) // n_columns)
    figure = Figure(figsize=(FULL_WIDTH, 2.1 * n_rows + 0.9), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False).ravel().tolist()
    for panel, pattern in zip(panels, patterns, strict=False):
        cells = [result for result in results if result.setting.supervision == pattern]
        for index, cell in enumerate(cells):
            _draw_ours(panel, cell.rates_R, cell.setting.checkpoint, index, len(cells))
        if pattern == PAPER_SUPERVISION:
            _draw_paper(panel, published.violation_rate)
        _finish_panel(panel, "violation rate" if panel is panels[0] else "", str(pattern).replace("_", " "))
    for panel in panels[len(patterns) :]:
        panel.set_visible(False)
    return _with_legend(figure, panels, results, "Grey: the paper (Table 1).")


def draw_tool_usage(results: Sequence[CellResult], published: PublishedTable2) -> Figure:
    """Draw tool usage rate and accuracy on the complex problems by round, in two panels."""
    figure = Figure(figsize=(FULL_WIDTH, 3.0), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for index, cell in enumerate(results):
        usage = [complement(rate) for rate in cell.rates_R]
        _draw_ours(panels[0], usage, cell.setting.checkpoint, index, len(results))
        _draw_ours(panels[1], cell.accuracy_R, cell.setting.checkpoint, index, len(results))
    _draw_paper(panels[0], published.tool_usage_rate)
    _draw_paper(panels[1], published.accuracy)
    _finish_panel(panels[0], "share of problems", "tool usage rate")
    _finish_panel(panels[1], "", "accuracy")
    return _with_legend(figure, panels, results, "Complex problems only. Grey: the paper (Table 2).")


def _draw_ours(panel: Axes, rates: Sequence[Interval | None], name: str, index: int, n_lines: int) -> None:
    offset = 0.06 * (index - (n_lines - 1) / 2)
    points = [(number + offset, rate) for number, rate in enumerate(rates, start=1) if rate]
    x = [at for at, _ in points]
    y, low, high = (np.array([getattr(rate, end) for _, rate in points]) for end in ("rate", "low", "high"))
    panel.errorbar(
        x, y, yerr=[y - low, high - y], label=name, color=COLOURS[index % len(COLOURS)],
        marker=MARKERS[index % len(MARKERS)], markersize=4, linewidth=1.6, capsize=2, elinewidth=0.8, zorder=3,
    )  # fmt: skip


def _draw_paper(panel: Axes, table: Sequence[PublishedSeries]) -> None:
    for series in table:
        base, _, variant = series.model.partition(" + ")
        shares = [value / 100 for value in series.values]
        panel.plot(
            range(1, len(shares) + 1), shares, color=_GREYS[base.partition("-")[0].rstrip("3")], linewidth=1.0,
            linestyle=_DASHES[variant], label=f"paper: {series.model}",
        )  # fmt: skip


def _finish_panel(panel: Axes, quantity: str, title: str) -> None:
    panel.set_title(title)
    panel.set_xlabel("round")
    panel.set_ylabel(quantity)
    panel.set_ylim(-0.03, 1.03)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _with_legend(figure: Figure, panels: Sequence[Axes], results: Sequence[CellResult], note: str) -> Figure:
    entries: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    labels = sorted(entries, key=lambda label: label.startswith("paper"))
    figure.legend([entries[label] for label in labels], labels, loc="outside upper center", ncols=4, frameon=False)
    note = f"Bars are 95 % Wilson intervals. {note}"
    add_label(figure, " ".join(part for part in (note, honest_label(results)) if part))
    return figure
