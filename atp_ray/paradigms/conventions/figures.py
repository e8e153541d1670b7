"""The figures of naming games: the challenger's share by round, and where it ends by the number of committed agents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from atp_ray.measures.results import CellResult, Interval
from atp_ray.paradigms.conventions.settings import by_population
from atp_ray.report.figures.rate_panels import finish_panel, with_legend
from atp_ray.report.figures.style import COLOURS, FULL_WIDTH, MARKERS

MOST_POINTS = 20  # of a line: intervals of hundreds of rounds would cover one another
MOST_PANELS_IN_A_ROW = 2
LEAST_MINORITIES = 3


def naming_figures(results: Sequence[CellResult], rate: str) -> Iterator[tuple[Figure, str]]:
    """Yield the figures, each with the name of its file."""
    yield draw_rounds(results, rate), "rates_by_round"
    minorities = {label: cells for label, cells in by_population(results).items() if _n_minorities(cells)}
    if minorities:
        yield draw_minorities(minorities, rate), "committed_minority"


def draw_rounds(results: Sequence[CellResult], rate: str) -> Figure:
    """Draw the rate by round, a panel per population and checkpoint and a line per number of committed agents."""
    panels: dict[str, list[CellResult]] = {}
    for label, cells in by_population(results).items():
        for cell in cells:
            panels.setdefault(f"{cell.setting.checkpoint}\n{label}", []).append(cell)
    figure, axes = _figure(len(panels))
    for panel, (title, cells) in zip(axes, panels.items(), strict=False):
        for index, cell in enumerate(cells):
            points = _thinned(cell.rates_R)
            colour = COLOURS[0] if len(cells) == 1 else _shade(index / (len(cells) - 1))
            _line(panel, points, f"{cell.setting.committed or 0} committed", colour, MARKERS[index % len(MARKERS)])
        finish_panel(panel, rate if panel in axes[::MOST_PANELS_IN_A_ROW] else "", title)
    return with_legend(figure, axes[: len(panels)], results, "Of a line, at most 20 rounds are marked.")


def draw_minorities(populations: dict[str, list[CellResult]], rate: str) -> Figure:
    """Draw the rate in the last round by the number of committed agents, a panel per population."""
    figure, axes = _figure(len(populations))
    for panel, (title, cells) in zip(axes, populations.items(), strict=False):
        checkpoints = list(dict.fromkeys(cell.setting.checkpoint for cell in cells))
        for index, checkpoint in enumerate(checkpoints):
            own = [cell for cell in cells if cell.setting.checkpoint == checkpoint]
            points = [(cell.setting.committed or 0, last) for cell in own if (last := cell.rates_R[-1]) is not None]
            _line(panel, points, checkpoint, COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)])
        finish_panel(panel, f"{rate}, last round" if panel in axes[::MOST_PANELS_IN_A_ROW] else "", title)
        panel.set_xlabel("committed agents")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    shown = [cell for cells in populations.values() for cell in cells]
    return with_legend(figure, axes[: len(populations)], shown, "Committed agents are left out of the share.")


def _n_minorities(cells: Sequence[CellResult]) -> bool:
    return len({cell.setting.committed for cell in cells}) >= LEAST_MINORITIES


def _figure(n_panels: int) -> tuple[Figure, list[Axes]]:
    n_columns = min(n_panels, MOST_PANELS_IN_A_ROW)
    n_rows = -(-n_panels // n_columns)
    figure = Figure(figsize=(FULL_WIDTH, 2.5 * n_rows + 0.9), layout="constrained")
    panels: list[Axes] = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False).ravel().tolist()
    for panel in panels[n_panels:]:
        panel.set_visible(False)
    return figure, panels


def _thinned(rates_R: Sequence[Interval | None]) -> list[tuple[int, Interval]]:
    places = np.unique(np.linspace(0, len(rates_R) - 1, min(MOST_POINTS, len(rates_R))).round().astype(int))
    return [(int(place) + 1, rate) for place in places if (rate := rates_R[place]) is not None]


def _shade(share: float) -> tuple[float, float, float]:
    """Return a colour between blue (few) and vermilion (many)."""
    few, many = np.array([0.0, 114, 178]) / 255, np.array([213, 94, 0.0]) / 255
    red, green, blue = (few + share * (many - few)).tolist()
    return red, green, blue


def _line(
    panel: Axes,
    points: Sequence[tuple[int, Interval]],
    name: str,
    colour: str | tuple[float, float, float],
    marker: str,
) -> None:
    x = [at for at, _ in points]
    y, low, high = (np.array([getattr(rate, end) for _, rate in points]) for end in ("rate", "low", "high"))
    panel.errorbar(
        x, y, yerr=[y - low, high - y], label=name, color=colour, marker=marker, markersize=3, linewidth=1.2,
        capsize=1.5, elinewidth=0.6, zorder=3,
    )  # fmt: skip
