"""One look for all figures: sizes, colours, the honest label, and files that do not change when nothing has."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from atp_ray.errors import StorageError

# Okabe and Ito's palette: distinct for colour-blind readers and in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FULL_WIDTH = 7.0  # inches, two columns of a paper
CHARACTERS_PER_INCH = 20  # of the label's 6.5 points
_SETTINGS = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "svg.hashsalt": "atp_ray",
    "svg.fonttype": "none",
    "figure.dpi": 100,
}


_LABEL = "label"


@contextmanager
def figure_style(**changes: str) -> Iterator[None]:
    """Draw with the project's settings and some changes to them (`svg_fonttype`); nothing global is changed."""
    with mpl.rc_context(_SETTINGS | {name.replace("_", "."): value for name, value in changes.items()}):
        yield


def legend_columns(labels: Sequence[str], most: int) -> int:
    """Return how many columns of a legend over the figure's width these labels have room for, at most `most`."""
    longest = max(map(len, labels), default=0) + 7  # the line and the space beside it
    return max(1, min(most, len(labels), int(FULL_WIDTH * CHARACTERS_PER_INCH) // longest))


def add_label(figure: Figure, label: str | None) -> None:
    """Write the honest label under the figure, wrapped to its width, and keep that room free."""
    if label:
        width, height = figure.get_size_inches()
        lines = textwrap.wrap(label, int(width * CHARACTERS_PER_INCH))
        room = 0.13 * len(lines) / height
        figure.get_layout_engine().set(rect=(0, room, 1, 1 - room))  # type: ignore[union-attr,call-arg]
        figure.text(
            0.5, 0.005, "\n".join(lines), ha="center", va="bottom", fontsize=6.5, style="italic", color="#444444",
            gid=_LABEL,
        )  # fmt: skip


def take_label(figure: Figure) -> str:
    """Take away what `add_label` wrote, and return it: a page has it as text beside the figure."""
    label = next((text for text in figure.texts if text.get_gid() == _LABEL), None)
    if label is None:
        return ""
    label.remove()
    figure.get_layout_engine().set(rect=(0, 0, 1, 1))  # type: ignore[union-attr,call-arg]
    return " ".join(label.get_text().split())


def settle_layout(figure: Figure) -> None:
    """Lay the figure out once for all formats: it takes as long as drawing, and matplotlib does it again for each."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)  # with "none" in its place a figure is still drawn twice for every file


def save_figure(figure: Figure, folder: Path, name: str, formats: Sequence[str]) -> list[Path]:
    """Write the figure in each format (300 dots per inch where it applies) and return the paths.

    Raises:
        StorageError: the folder cannot be written.
    """
    paths = [folder / f"{name}.{ending}" for ending in formats]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        settle_layout(figure)
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else {}
            figure.savefig(path, dpi=300, metadata=metadata)
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", str(folder), "Choose another --out") from error
    return paths
