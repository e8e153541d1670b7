r"""Objects that are meant as JSON and are not: single, curly, escaped or missing quotes, `=`, comments, no end.

Language models write such things. What is read is what a person would read without guessing: a value that was cut off
is not there.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_DEPTH = 20  # braces inside braces that are still looked into
_KEY_ROOM = 80  # characters before a colon in which its key is looked for
_BLANK = re.compile(r"(?:[\s,;]|//[^\n]*|/\*.*?\*/|#[^\n]*)*", re.DOTALL)
_QUOTES = {
    '"': '"', "'": "'", "`": "`", '\\"': '\\"', "\\'": "\\'",
    "\u201c": "\u201d", "\u201d": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019",
}  # fmt: skip
_QUOTE = re.compile(r"\\[\"']|[\"'`\u201c\u201d\u201e\u2018]")
_KEY = re.compile(
    r"""(?P<quote>\\?["'\u201c\u201d\u201e\u2018`]|\*+)?\s*(?P<key>\w[\w\ \-]{0,60}?)\s*
        (?:\\?["'`\u201c\u201d\u2019]|\*+)?\s*(?::|=>?)\s*""",
    re.VERBOSE,
)
_ANY_QUOTED_KEY = re.compile(r"(?P<quote>\")(?P<key>[^\"\n]*)\"\s*:\s*")
# What may follow the quote that closes a value, and what shows that a quote closed a key instead.
_AFTER_VALUE = re.compile(r"\s*(?:[,}\];)|/]|$|\n|//|#|or\b|\()")
_AFTER_KEY = re.compile(r"\s*:")
_LOST_KEY = re.compile(r"""(?:[,\n]\s*|["']\s*(?=["']))(?P<key>[^\s{}\[\]]{0,2}[\w \-]+)$""")
_COMMENT = re.compile(r"//|#|/\*")
_END = re.compile(r"[,}\n]")


class LenientObject(NamedTuple):
    """The complete pairs of an object, where its text ends, and whether it has an end (a closing brace) at all.

    Values are text, a list of text, or a `LenientObject`. `quoted` says whether its first key is in quotes.
    """

    pairs: tuple[tuple[str, Any], ...]
    end: int
    closed: bool
    quoted: bool


def read_object(text: str, start: int, depth: int = 0) -> LenientObject | None:
    """Read the object whose opening brace is `text[start]`; None where its first key shows that it is none."""
    pairs: list[tuple[str, Any]] = []
    quoted = False
    position = start + 1
    while True:
        position = _blank(text, position)
        if position >= len(text):
            return LenientObject(tuple(pairs), position, False, quoted)
        if text[position] == "}":
            return LenientObject(tuple(pairs), position + 1, True, quoted)
        key = _KEY.match(text, position) or _ANY_QUOTED_KEY.match(text, position)
        if key is None:
            if not pairs:
                return None
            position = _take_loose(text, position, pairs)
            continue
        quoted = quoted or (not pairs and key["quote"] is not None)
        value, position = _value(text, key.end(), depth)
        if value is not None:
            pairs.append((key["key"], value))


def _blank(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _take_loose(text: str, position: int, pairs: list[tuple[str, Any]]) -> int:
    """Take what has no key: it belongs to the value before it (`"choice": "A", "B"`)."""
    if text[position] in "{[":
        return _balanced(text, position)
    item: str | None
    if _QUOTE.match(text, position):
        item, end = _quoted(text, position)
    else:
        found = _END.search(text, position)
        end = found.start() if found else len(text)
        item = text[position:end].strip()
    if item is not None:
        key, value = pairs[-1]
        pairs[-1] = (key, [*(value if isinstance(value, list) else [value]), item])
    return end


def _value(text: str, position: int, depth: int) -> tuple[Any, int]:
    """Read a value; None where it was cut off."""
    if position >= len(text):
        return None, position
    if text[position] == "{":
        inner = read_object(text, position, depth + 1) if depth < _DEPTH else None
        if inner is None:
            return "", _balanced(text, position)
        return (inner if inner.closed else None), inner.end
    if text[position] == "[":
        end = _balanced(text, position)
        if text[end - 1] != "]":
            return None, end
        return [item.strip() for item in text[position + 1 : end - 1].split(",") if item.strip()], end
    if _QUOTE.match(text, position):
        return _quoted(text, position)
    found = _END.search(text, position)
    if found is None:
        return None, len(text)
    return text[position : found.start()].strip(), found.start()


def _quoted(text: str, position: int) -> tuple[str | None, int]:
    """Read a value in quotes; a quote or an object inside it does not end it, a forgotten quote ends at the brace."""
    opening = _QUOTE.match(text, position)
    assert opening is not None
    start, closing = opening.end(), _QUOTES[opening.group()]
    looked, inside = start, 0
    candidate = text.find(closing, start)
    while candidate >= 0:
        inside += text.count("{", looked, candidate) - text.count("}", looked, candidate)
        looked = candidate
        after = candidate + len(closing)
        escaped = closing in "\"'" and text[candidate - 1] == "\\"
        if not escaped and inside <= 0:
            if _AFTER_KEY.match(text, after):
                lost = _LOST_KEY.search(text, max(start, candidate - _KEY_ROOM), candidate)
                if lost:
                    return text[start : lost.start()].strip(), lost.start("key")
            if _AFTER_VALUE.match(text, after):
                return _with_what_follows(text, start, candidate, after)
        candidate = text.find(closing, after)
    brace = text.find("}", start)
    if brace < 0:
        return None, len(text)
    return text[start:brace].strip(), brace


def _with_what_follows(text: str, start: int, candidate: int, after: int) -> tuple[str, int]:
    """Return a value together with what is said of it before the pair ends: `"A" or "B"` decides nothing."""
    found = _END.search(text, after)
    end = found.start() if found else len(text)
    value, follows = _unescaped(text[start:candidate]), text[after:end].strip()
    if not follows or _COMMENT.match(follows) or not re.search(r"\w", follows):
        return value, end
    return f"{value} {follows}", end


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text)
    return text.replace("\\n", " ").replace("\\", "")


def _balanced(text: str, start: int) -> int:
    """Return where the bracket at `start` is closed, strings not looked at; the end of the text where it never is."""
    depth = 0
    for bracket in re.finditer(r"[{}\[\]]", text[start:]):
        depth += 1 if bracket.group() in "{[" else -1
        if depth == 0:
            return start + bracket.end()
    return len(text)
