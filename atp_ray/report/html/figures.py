"""Figures as images inside the page, with everything that stands around them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from atp_ray.report.figures.style import figure_style, settle_layout, take_label
from atp_ray.report.html.drawn import data_table, description, title
from atp_ray.report.html.tables import HtmlTable

MOST_VECTOR = 400_000  # bytes of SVG above which a bitmap is smaller
RESOLUTIONS = (200, 120, 72)  # dots per inch, the first that fits
PER_INCH = 108  # of CSS: letters a little larger than in print


class HtmlFigure(NamedTuple):
    """A figure: title, what stands below it, alternative text, the image as an address, its size and its data."""

    title: str
    caption: str
    alt: str
    source: str
    width: int
    height: int
    data: HtmlTable | None


@contextmanager
def page_style() -> Iterator[None]:
    """Draw figures for a page: glyphs are outlines, so that it looks the same where fonts are missing."""
    with figure_style(svg_fonttype="path"):
        yield


def html_figure(figure: Figure, number: int, named: str | None = None) -> HtmlFigure:
    """Return a figure, drawn within `page_style`, for the page: as vectors, or as a bitmap where these would be larger.

    Args:
        number: its number in the page.
        named: its title where its axes do not say it.
    """
    caption = take_label(figure)
    settle_layout(figure)
    data = data_table(figure, f"Values of Figure {number}")
    width, height = (round(inches * PER_INCH) for inches in figure.get_size_inches())
    return HtmlFigure(named or title(figure), caption, description(figure), _image(figure), width, height, data)


def _image(figure: Figure) -> str:
    vectors = _saved(figure, "svg", metadata={"Date": None})
    if len(vectors) <= MOST_VECTOR:
        return _address("image/svg+xml", vectors)
    bitmaps = (_saved(figure, "png", dpi=dots, metadata={"Software": None}) for dots in RESOLUTIONS)
    bitmap = next((image for image in bitmaps if len(image) <= MOST_VECTOR), b"")
    return _address("image/png", bitmap or _saved(figure, "png", dpi=RESOLUTIONS[-1], metadata={"Software": None}))


def _saved(figure: Figure, ending: str, **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=ending, **options)
    return buffer.getvalue()


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
