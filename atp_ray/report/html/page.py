"""The page: all its parts as plain data, and rendering them into one file that asks nobody for anything.

Parts that are empty are left out, with their entry in the table of contents, so that a run, a training run and a
comparison are the same page.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from atp_ray.errors import StorageError
from atp_ray.report.html.answer import Answer
from atp_ray.report.html.figures import HtmlFigure
from atp_ray.report.html.reproduce import Recipe
from atp_ray.report.html.tables import HtmlTable
from atp_ray.report.html.texts import visible
from atp_ray.report.html.transcripts import Transcripts
from atp_ray.report.html.trees import Entry

FILE = "report.html"
MOST_BYTES = 5_000_000


class Part(NamedTuple):
    """Nested data under a heading of its own."""

    title: str
    entries: tuple[Entry, ...]


class Page(NamedTuple):
    """All that a page says; `made` is the day it was made, the only thing that differs between two pages of one run."""

    title: str
    description: str
    made: str
    label: str | None = None
    warnings: Sequence[str] = ()
    answer: Answer | None = None
    figures: Sequence[HtmlFigure] = ()
    tables: Sequence[HtmlTable] = ()
    notes: Sequence[str] = ()
    transcripts: Transcripts | None = None
    plan: Sequence[Entry] = ()
    costs: Sequence[Part] = ()
    methods: Sequence[str] = ()
    versions: Sequence[Part] = ()
    recipe: Recipe | None = None
    seeds: str = ""


def render(page: Page) -> str:
    """Return a page as HTML."""
    template = _environment().get_template("page.html.jinja")
    return template.render(page._asdict())


def write_page(page: Page, path: Path) -> Path:
    """Write a page and return its path.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(page), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", str(path), "Choose another --out") from error
    return path


@cache
def _environment() -> Environment:
    """Return the templates; every text goes through `visible` and is escaped, wherever it comes from."""
    environment = Environment(
        loader=PackageLoader("atp_ray.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    loader = environment.loader
    assert loader is not None
    environment.globals["css"] = Markup(loader.get_source(environment, "report.css")[0])
    return environment


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
