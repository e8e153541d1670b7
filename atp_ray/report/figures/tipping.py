"""The paper's question in one figure: how far alignment lowers the first round, and what later rounds make of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from atp_ray.measures.results import CellResult, honest_label, interval_note, values
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, MARKERS, add_label


def draw_tipping(games: Sequence[CellResult], role_play: Sequence[CellResult], variants: Sequence[str]) -> Figure:
    """Draw collusion rates by round, a panel per threshold, and violation rates in a last one; a line per variant.

    Args:
        variants: what the checkpoints of either run are called here, in their order: base, DPO, GRPO.
    """
    thresholds = values(games, "threshold")
    panels_of = [
        (f"games, threshold {threshold}", [r for r in games if r.setting.threshold == threshold])
        for threshold in thresholds
    ]
    panels_of.append(("role-play", list(role_play)))
    figure = Figure(figsize=(FULL_WIDTH, 2.3), layout="constrained")
    panels = figure.subplots(1, len(panels_of), sharey=True, squeeze=False)[0]
    for panel, (title, cells) in zip(panels, panels_of, strict=True):
        names = values(cells, "checkpoint")
        for cell in cells:
            index = names.index(cell.setting.checkpoint)
            offset = 0.07 * (index - (len(names) - 1) / 2)
            rates = [(r + offset, rate) for r, rate in enumerate(cell.rates_R, start=1) if rate]
            y, low, high = (np.array([getattr(rate, end) for _, rate in rates]) for end in ("rate", "low", "high"))
            panel.errorbar(
                [x for x, _ in rates], y, yerr=[y - low, high - y], label=variants[index], color=COLOURS[index],
                marker=MARKERS[index], markersize=3.5, linewidth=1.3, capsize=2, elinewidth=0.8,
            )  # fmt: skip
        panel.set_title(title)
        panel.set_xlabel("round")
        panel.set_ylim(-0.03, 1.03)
        panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    panels[0].set_ylabel("deviant rate")
    panels[0].yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    note = f"Collusion and violation rates; bars are {interval_note([*games, *role_play])}."
    add_label(figure, " ".join(part for part in (note, honest_label([*games, *role_play])) if part))
    return figure
