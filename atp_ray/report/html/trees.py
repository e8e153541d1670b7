"""Nested data of `run.json` (a plan, costs, versions) as what a page can lay out, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

MOST_ENTRIES = 60  # side by side
MOST_IN_ALL = 400
MOST_DEPTH = 6
LONGEST = 500
_MORE = "More is in run.json"


class Entry(NamedTuple):
    """A name with a text, or with entries of its own."""

    name: str
    text: str
    inner: tuple[Entry, ...] = ()


def entries(data: Any) -> tuple[Entry, ...]:
    """Return nested data as entries; what is empty is left out, and there is a note where something is cut."""
    return _entries(data, 0, count())


def _entries(data: Any, depth: int, made: Iterator[int]) -> tuple[Entry, ...]:
    """Return the entries of one level; `made` counts those of all."""
    if isinstance(data, Mapping):
        named = [(str(name).replace("_", " "), value) for name, value in data.items()]
    elif isinstance(data, Sequence) and not isinstance(data, str | bytes):
        named = [(str(number), value) for number, value in enumerate(data, start=1)]
    else:
        named = [("", data)]
    found: list[Entry] = []
    for name, value in named:
        if value is None or value in ("", [], {}):
            continue
        if len(found) == MOST_ENTRIES or next(made) >= MOST_IN_ALL:
            return (*found, Entry("", _MORE))
        found.append(_entry(name, value, depth, made))
    return tuple(found)


def _entry(name: str, value: Any, depth: int, made: Iterator[int]) -> Entry:
    if _is_plain(value):
        return Entry(name, _text(value))
    if isinstance(value, Sequence) and all(map(_is_plain, value)):
        return Entry(name, _cut(", ".join(map(_text, value))))
    if depth >= MOST_DEPTH:
        return Entry(name, _MORE)
    return Entry(name, "", _entries(value, depth + 1, made))


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
