"""Text of models in a page: nothing in it can act, nothing in it is hidden, and all of it has room.

What a model writes is data. The template escapes every text; here, characters that would not show or that would turn
the text around them (controls, bidirectional overrides, lone surrogates) are spelled out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from markupsafe import escape

# Controls but tab and line feed; marks, embeddings, overrides and isolates of direction; line and paragraph
# separators; the byte order mark, tags and lone surrogates.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_PIECE = re.compile("\r\n|.", re.DOTALL)  # what is spelled out or escaped by itself
SHORT = 1_200  # characters shown before the rest is folded


class Excerpt(NamedTuple):
    """A text as a page has it: `start` is shown, `whole` is folded where it is longer, `n_left_out` is in neither."""

    start: str
    whole: str | None
    n_left_out: int


def visible(text: str) -> str:
    """Return `text` with characters that would not show spelled out, such as ⟨U+202E⟩."""
    return _HIDDEN.sub(lambda found: f"\u27e8U+{ord(found[0]):04X}\u27e9", text.replace("\r\n", "\n"))


def n_bytes(text: str) -> int:
    """Return how much room a text takes in a page, in bytes of UTF-8 with its markup characters escaped."""
    return len(str(escape(visible(text))).encode())


def fitted(text: str, room: int) -> str:
    """Return the longest start of a text that takes at most `room` bytes in a page."""
    text = text[: max(room, 0) + text.count("\r\n")]  # no character takes less than a byte, but that pair takes one
    if n_bytes(text) <= room:
        return text
    pieces = _PIECE.findall(text)
    taken = {piece: n_bytes(piece) for piece in set(pieces)}
    return "".join(pieces[: bisect_right(list(accumulate(map(taken.__getitem__, pieces))), room)])


def excerpt(text: str, room: int, short: int = SHORT) -> Excerpt:
    """Return a text for a page: its start in full view, and all that fits into `room` bytes folded."""
    known = fitted(text, room)
    left_out = len(text) - len(known)
    if len(known) <= short:
        return Excerpt(known, None, left_out)
    start = known[:short]
    return Excerpt(start[: start.rfind(" ") + 1] or start if " " in start[short // 2 :] else start, known, left_out)


def quantity(n: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def joined(names: Sequence[str]) -> str:
    """Return names as in `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
