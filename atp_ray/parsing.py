r"""The one choice parser, used by the environment, the reward function and the collection of preference pairs.

A decision is a JSON object with a `choice` key at its top level. The last such object after any thinking wins, whatever
stands around it: other keys, nested objects, strings that mention a choice. Text that is not valid JSON is read
leniently (`lenient_json`), and where there is no object at all, a line that is only `choice: X` counts. Everything else
is a typed `unparsed` result with a reason; a choice is never inferred from a failure. docs/replies.md has examples.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from atp_ray.lenient_json import LenientObject, read_object

UnparsedReason = Literal["no_decision", "unknown_choice", "ambiguous", "unfinished_thinking"]

KEY = "choice"
_THINKING = re.compile(r"<(?P<closes>/?)think(?:ing)?>")
_EITHER_OR = re.compile(r"[\s`*,;.]*(?:\bor\b|\||/)[\s`*]*", re.IGNORECASE)
_LINE = re.compile(
    r"""^[ \t>]*(?:[-*\u2022][ \t]+|\d+[.)][ \t]+)?      # a list item or a quotation, or neither
        [*_`"']*choice[*_`"']*[ \t]*[:=][ \t]*
        (?P<value>[^\n{}\[\]]+?)[ \t]*$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_AROUND = " \t\r\n\"'`*_.\u201c\u201d\u2018\u2019"


class ParsedChoice(NamedTuple):
    """A reply's decision: `choice` is one of the offered options, or None with the `reason` it could not be read."""

    choice: str | None
    reason: UnparsedReason | None


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, in order: a key may stand twice."""


class _Stated(NamedTuple):
    """What an object states as its choice, and where the object stands."""

    value: str
    start: int
    end: int


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, strict=False)


def visible_reply(reply: str) -> str | None:
    """Return the reply without its thinking, or None when the thinking was never closed."""
    if "<" not in reply:
        return reply.strip()
    marks = list(_THINKING.finditer(reply))
    if marks and not marks[-1]["closes"]:
        return None
    return reply[marks[-1].end() if marks else 0 :].strip()


def parse_choice(reply: str, options: Sequence[str]) -> ParsedChoice:
    """Read the decision in `reply`.

    Args:
        reply: the model's whole reply, thinking included.
        options: the choices offered, in the scenario's words; compared without case and with spaces folded.
    """
    answer = visible_reply(reply)
    if answer is None:
        return ParsedChoice(None, "unfinished_thinking")
    by_key = {_normal(option): option for option in options}
    stated = list(_stated_choices(answer))
    if not stated:
        return _line_choice(answer, by_key)
    last = stated[-1]
    choice = by_key.get(_normal(last.value))
    if choice is None:
        return ParsedChoice(None, "ambiguous" if _names_several(last.value, by_key) else "unknown_choice")
    if len(stated) > 1:
        # A reply that ends by repeating the instruction ("{..} or {..}") has not decided.
        before = stated[-2]
        if by_key.get(_normal(before.value)) != choice and _EITHER_OR.fullmatch(answer[before.end : last.start]):
            return ParsedChoice(None, "ambiguous")
    return ParsedChoice(choice, None)


def _stated_choices(text: str) -> Iterator[_Stated]:
    """Yield what each object of a text states, in order; objects without a choice state nothing."""
    start = text.find("{")
    while start >= 0:
        pairs, end = _object_at(text, start)
        values = _choices(pairs)
        if values:
            texts = [_as_text(value) for value in values]
            yield _Stated(texts[0] if len({_normal(each) for each in texts}) == 1 else " or ".join(texts), start, end)
        start = text.find("{", end)


def _object_at(text: str, start: int) -> tuple[Sequence[tuple[str, Any]], int]:
    """Return the pairs of the object that begins at a brace, and from where on to look for the next."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        found = read_object(text, start)
    if found is None:
        return (), start + 1
    if found.closed:
        return found.pairs, found.end
    # Cut off: what it wraps may be anything. A brace in prose is passed.
    pairs = [pair for pair in found.pairs if not isinstance(pair[1], LenientObject)]
    return pairs, found.end if found.quoted or _choices(pairs) else start + 1


def _choices(pairs: Sequence[tuple[str, Any]]) -> list[Any]:
    values = [value for key, value in pairs if key.strip().casefold() == KEY]
    if not values and len(pairs) == 1:
        inner = pairs[0][1]
        if isinstance(inner, LenientObject):
            return _choices(inner.pairs)
        if isinstance(inner, _Pairs):
            return _choices(inner)
    return values


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not isinstance(value, _Pairs):
        return " or ".join(str(item) for item in value)
    return str(value) if isinstance(value, (bool, int, float)) else ""


def _line_choice(answer: str, by_key: dict[str, str]) -> ParsedChoice:
    lines = {by_key.get(_normal(found["value"])) for found in _LINE.finditer(answer)} - {None}
    if len(lines) == 1:
        return ParsedChoice(lines.pop(), None)
    return ParsedChoice(None, "ambiguous" if lines else "no_decision")


def _names_several(value: str, by_key: dict[str, str]) -> bool:
    rest, named = _normal(value), 0
    for key in sorted(by_key, key=len, reverse=True):
        rest, count = re.subn(rf"(?<!\w){re.escape(key)}(?!\w)", " ", rest)
        named += bool(count)
    return named > 1


def _normal(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return " ".join(text.strip(_AROUND).split()).casefold()
