"""Nested data of `run.json` (a plan, costs, versions) as what a page can lay out, whatever is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MOST_ENTRIES = 60
MOST_DEPTH = 6
LONGEST = 2_000


class Entry(NamedTuple):
    """A name with a text, or with entries of its own."""

    name: str
    text: str
    inner: tuple[Entry, ...] = ()


def entries(data: Any, depth: int = 0) -> tuple[Entry, ...]:
    """Return nested data as entries; what is empty is left out, long lists and texts are cut with a note."""
    if isinstance(data, Mapping):
        named = [(str(name).replace("_", " "), value) for name, value in data.items()]
    elif isinstance(data, Sequence) and not isinstance(data, str | bytes):
        named = [(str(number), value) for number, value in enumerate(data, start=1)]
    else:
        named = [("", data)]
    made = [entry for name, value in named[:MOST_ENTRIES] if (entry := _entry(name, value, depth)) is not None]
    if len(named) > MOST_ENTRIES:
        made.append(Entry("", f"{len(named) - MOST_ENTRIES:,} more are in run.json"))
    return tuple(made)


def _entry(name: str, value: Any, depth: int) -> Entry | None:
    if value is None or value == "" or value == [] or value == {}:
        return None
    if _is_plain(value):
        return Entry(name, _text(value))
    if isinstance(value, Sequence) and all(map(_is_plain, value)):
        return Entry(name, _cut(", ".join(map(_text, value))))
    if depth >= MOST_DEPTH:
        return Entry(name, _cut(str(value)))
    return Entry(name, "", entries(value, depth + 1))


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bytes) or not isinstance(value, Mapping | Sequence)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return _cut(str(value))


def _cut(text: str) -> str:
    return (
        text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text) - LONGEST:,} more characters in run.json)"
    )
