"""What a matplotlib figure shows, read back from the figure itself: title, description and the values in it.

So every figure of every paradigm, those of others too, has alternative text and a table without saying it twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from atp_ray.report.html.tables import Column, HtmlTable, Row, shortened

MOST_COLUMNS = 10
MOST_NAMED = 6
_COLOURBAR = "<colorbar>"


class Point(NamedTuple):
    """One value of a figure as text: its panel, its line (or row of a heat map), where it is, and what it is."""

    panel: str
    line: str
    at: str
    value: str


def panels(figure: Figure) -> list[Axes]:
    """Return the panels that show something, without colour bars."""
    return [panel for panel in figure.axes if panel.get_visible() and panel.get_label() != _COLOURBAR]


def title(figure: Figure) -> str:
    """Return what a figure shows over what, such as `Collusion rate by round`."""
    quantity, over = _quantity(figure), _over(figure)
    if any(panel.images for panel in panels(figure)):
        over = f"{over} and {panels(figure)[0].get_ylabel()}"
    named = f"{quantity} by {over}" if over else quantity
    return named[:1].upper() + named[1:]


def description(figure: Figure) -> str:
    """Return the alternative text: what kind of figure it is, its panels and its lines."""
    names = [name for panel in panels(figure) if (name := panel_name(figure, panel))]
    heat = any(panel.images for panel in panels(figure))
    bars = any(panel.collections for panel in panels(figure))
    kind = "Heat map" if heat else "Line chart with intervals" if bars else "Line chart"
    lines = list(dict.fromkeys(point.line for point in points(figure)))
    parts = [f"{kind}: {title(figure)}."]
    if names:
        parts.append(f"{len(names)} panels: {_listed(names)}." if len(names) > 1 else f"One panel: {names[0]}.")
    if lines and not heat:
        parts.append(f"Lines: {_listed(lines)}.")
    return " ".join([*parts, *(["The values are in the table below the figure."] if lines else [])])


def data_table(figure: Figure, caption: str) -> HtmlTable | None:
    """Return the values a figure shows, None where they are no labelled lines or heat map.

    A row for each line with its places as columns where these are few, else a row for each value.
    """
    found = points(figure)
    if not found:
        return None
    places = list(dict.fromkeys(point.at for point in found))
    over = _over(figure) or "at"
    columns: tuple[Column, ...] = (Column("panel"), Column("line"))
    if len(places) > MOST_COLUMNS:
        columns += (Column(over, "end"), Column(_quantity(figure), "end"))
        return shortened(HtmlTable(caption, columns, tuple(Row(tuple(point)) for point in found)))
    values = {(point.panel, point.line, point.at): point.value for point in found}
    lines = dict.fromkeys((point.panel, point.line) for point in found)
    columns += tuple(Column(f"{over} {place}", "end") for place in places)
    rows = tuple(Row((*line, *(values.get((*line, place), "-") for place in places))) for line in lines)
    return shortened(HtmlTable(caption, columns, rows))


def panel_name(figure: Figure, panel: Axes) -> str:
    """Return what tells a panel from the others: its own title, or in a grid those of its row and its column."""
    own, place = panel.get_title(), panel.get_subplotspec()
    if place is None:
        return own
    others = [(other, spec) for other in panels(figure) if (spec := other.get_subplotspec()) is not None]
    row = [other for other, spec in others if spec.rowspan.start == place.rowspan.start]
    column = [other for other, spec in others if spec.colspan.start == place.colspan.start]
    heads = [other.get_ylabel().split("\n")[0] for other in row if "\n" in other.get_ylabel()]
    titles = [own] if own else [other.get_title() for other in column if other.get_title()]
    return ", ".join([*heads[:1], *titles[:1]])


def points(figure: Figure) -> list[Point]:
    """Return all values of a figure, panel by panel and line by line, the paper's after ours."""
    found: list[Point] = []
    for panel in panels(figure):
        drawn = _cells(figure, panel) if panel.images else [*_with_bars(panel), *_without_bars(panel)]
        found += [point._replace(panel=panel_name(figure, panel)) for point in drawn]
    return sorted(found, key=lambda point: point.line.startswith("paper"))


def _over(figure: Figure) -> str:
    return next((name for panel in panels(figure) if (name := panel.get_xlabel())), "")


def _quantity(figure: Figure) -> str:
    bars = [axes.get_ylabel() for axes in figure.axes if axes.get_label() == _COLOURBAR]
    named = [panel.get_ylabel().split("\n")[-1] for panel in panels(figure) if panel.get_ylabel()]
    return next(iter([*bars, *named]), "") or ", ".join(panel.get_title() for panel in panels(figure))


def _cells(figure: Figure, panel: Axes) -> Iterator[Point]:
    columns = [label.get_text() for label in panel.get_xticklabels()]
    named = next((other for other in panels(figure) if other.get_ylabel()), panel)
    rows = [label.get_text() for label in named.get_yticklabels()]
    shown = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in panel.texts}
    for (row, column), value in np.ndenumerate(np.asarray(panel.images[0].get_array())):
        text = " ".join(shown.get((row, column), f"{value:g}").split())
        yield Point("", f"{named.get_ylabel()} {rows[row]}", columns[column], text)


def _with_bars(panel: Axes) -> Iterator[Point]:
    for container in panel.containers:
        if not isinstance(container, ErrorbarContainer):
            continue
        line, _, bars = container.lines
        ends = [segment[:, 1] for bar in bars for segment in bar.get_segments()]
        for (x, y), (low, high) in zip(_values(line), ends, strict=True):
            yield _point(panel, str(container.get_label()), x, y, (float(low), float(high)))


def _without_bars(panel: Axes) -> Iterator[Point]:
    """Yield the points of plain lines, with the bands in their colour."""
    bands = {
        tuple(np.asarray(band.get_facecolor(), dtype=float)[0, :3].tolist()): np.asarray(band.get_paths()[0].vertices)
        for band in panel.collections
        if isinstance(band, PolyCollection)
    }
    for line in panel.lines:
        if (name := str(line.get_label())).startswith("_"):
            continue
        corners = bands.get(to_rgb(line.get_color()))  # type: ignore[arg-type]
        for x, y in _values(line):
            around = corners[np.isclose(corners[:, 0], x), 1] if corners is not None else np.array([])
            ends = (float(around.min()), float(around.max())) if len(around) else None
            yield _point(panel, name, x, y, ends)


def _values(line: Line2D) -> list[tuple[float, float]]:
    x, y = (np.asarray(data, dtype=float).tolist() for data in (line.get_xdata(), line.get_ydata()))
    return list(zip(x, y, strict=True))


def _point(panel: Axes, name: str, x: float, y: float, ends: tuple[float, float] | None) -> Point:
    # Lines stand a little beside their round so that bars do not hide each other.
    at = f"{round(x)}" if panel.get_xlabel() == "round" or not panel.get_xlabel() else f"{x:g}"
    low, high = panel.get_ylim()
    if low >= -0.1 and high <= 1.1:
        text = f"{100 * y:.1f} %" if ends is None else f"{100 * y:.1f} % ({100 * ends[0]:.0f}\u2013{100 * ends[1]:.0f})"
    else:
        text = f"{y:.4g}" if ends is None else f"{y:.4g} ({ends[0]:.4g} to {ends[1]:.4g})"
    return Point("", name, at, text)


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return "; ".join([*names[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])
