"""Time to tip: the share of episodes that have not tipped, round by round, a panel per setting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from atp_ray.measures.survival import SurvivalPoint
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, add_label

MOST_IN_A_ROW = 5
_DASHES = ("-", "--", ":", "-.")


def survival_figures(points: Sequence[SurvivalPoint], label: str | None) -> Iterator[tuple[Figure, str]]:
    """Yield a figure for each paradigm, with the name of its file."""
    rooms = dict.fromkeys(point.paradigm for point in points)
    for room in rooms:
        of_room = [point for point in points if point.paradigm == room]
        yield _figure(of_room, label), "survival" if len(rooms) == 1 else f"survival_{room}"


def _figure(points: Sequence[SurvivalPoint], label: str | None) -> Figure:
    settings = list(dict.fromkeys(point.setting for point in points))
    checkpoints = list(dict.fromkeys(point.checkpoint for point in points))
    n_columns = min(len(settings), MOST_IN_A_ROW)
    n_rows = -(-len(settings) // n_columns)
    figure = Figure(figsize=(FULL_WIDTH, 0.9 + 1.35 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel().tolist()
    for panel, setting in zip(panels, settings, strict=False):
        for index, name in enumerate(checkpoints):
            curve = [point for point in points if (point.setting, point.checkpoint) == (setting, name)]
            if not curve:
                continue
            x = [0, *(point.round for point in curve), curve[-1].round + 0.5]
            style = {"color": COLOURS[index % len(COLOURS)], "label": name, "linewidth": 1.4}
            panel.step(x, _held([p.not_tipped for p in curve]), where="post", linestyle=_DASHES[index % 4], **style)
            low, high = _held([p.ci_low for p in curve]), _held([p.ci_high for p in curve])
            panel.fill_between(x, low, high, step="post", color=style["color"], alpha=0.13, linewidth=0)
        panel.set_title(setting)
        panel.set_ylim(-0.03, 1.05)
        panel.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    for panel in panels[len(settings) :]:
        panel.set_visible(False)
    for panel in panels[-n_columns:]:
        panel.set_xlabel("round")
    panels[0].set_ylabel("not tipped")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(labels)), frameon=False)
    note = (
        "Share of episodes whose deviant rate does not yet stay above one half (Kaplan-Meier; censored at the last "
        "round played). Bands are 95 % intervals with units as clusters."
    )
    add_label(figure, " ".join(part for part in (note, label) if part))
    return figure


def _held(values: Sequence[float]) -> list[float]:
    """Return a curve that starts at 1 and holds its last value, so that a step in the last round can be seen."""
    return [1.0, *values, values[-1]]
