"""Differences with their intervals, setting by setting: round 1, the last round, and what changed between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from atp_ray.measures.comparisons import ALL_SETTINGS
from atp_ray.measures.estimates import Comparison
from atp_ray.paradigms.registry import paradigm
from atp_ray.report.comparing import Compared
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, MARKERS, add_label

SIGNIFICANT = 0.05
_TITLES = {"first_round": "round 1", "last_round": "last round", "change": "change, round 1 to last"}


def comparison_figures(compared: Compared) -> Iterator[tuple[Figure, str]]:
    """Yield a figure for each paradigm, with the name of its file."""
    rooms = dict.fromkeys(row.paradigm for row in compared.rows if row.base == compared.base)
    for room in rooms:
        rows = [row for row in compared.rows if (row.paradigm, row.base) == (room, compared.base)]
        yield _figure(room, compared, rows), "comparisons" if len(rooms) == 1 else f"comparisons_{room}"


def _figure(room: str, compared: Compared, rows: Sequence[Comparison]) -> Figure:
    drawn = [row for row in rows if row.numbers is not None or row.setting == ALL_SETTINGS]
    settings = list(dict.fromkeys(row.setting for row in drawn))
    settings.sort(key=lambda setting: setting == ALL_SETTINGS)
    checkpoints = list(dict.fromkeys(row.checkpoint for row in drawn))
    measures = [measure for measure in _TITLES if any(row.measure == measure for row in drawn)]
    height = 1.3 + 0.17 * len(settings) * max(1, 0.6 * len(checkpoints))
    figure = Figure(figsize=(FULL_WIDTH, max(2.2, height)), layout="constrained")
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for panel, measure in zip(panels, measures, strict=True):
        _panel(panel, [row for row in drawn if row.measure == measure], settings, checkpoints)
        panel.set_title(_TITLES[measure])
        panel.set_xlabel("difference, points")
    panels[0].set_yticks(range(len(settings)), settings)
    panels[0].set_ylim(len(settings) - 0.5, -0.5)
    handles = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)], markersize=4, label=name)
        for i, name in enumerate(checkpoints)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(4, len(handles)), frameon=False)
    rate = paradigm(room).presentation.terms.rate
    note = (
        f"{rate.capitalize()} minus that of {compared.base}, paired over units; bars are 95 % intervals. "
        f"Filled: p after Holm at most {SIGNIFICANT:g}."
    )
    add_label(figure, " ".join(part for part in (note, compared.label) if part))
    return figure


def _panel(panel: Axes, rows: Sequence[Comparison], settings: Sequence[str], checkpoints: Sequence[str]) -> None:
    panel.axvline(0, color="#444444", linewidth=0.8)
    if settings[-1] == ALL_SETTINGS:
        panel.axhline(len(settings) - 1.5, color="#BBBBBB", linewidth=0.8)
    step = 0.7 / max(1, len(checkpoints))
    for row in rows:
        index = checkpoints.index(row.checkpoint)
        y = settings.index(row.setting) + step * (index - (len(checkpoints) - 1) / 2)
        colour = COLOURS[index % len(COLOURS)]
        x = 100 * float(row.estimate if row.estimate is not None else np.nan)
        if row.ci_low is not None and row.ci_high is not None:
            panel.plot([100 * row.ci_low, 100 * row.ci_high], [y, y], color=colour, linewidth=1.1)
        sure = row.p_adjusted is not None and row.p_adjusted <= SIGNIFICANT
        panel.plot(
            x, y, color=colour, marker=MARKERS[index % len(MARKERS)], markersize=4,
            markerfacecolor=colour if sure else "white",
        )  # fmt: skip
    panel.grid(visible=False, axis="y")
