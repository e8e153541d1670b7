r"""The one choice parser, used by the environment, the reward function and the collection of preference pairs.

A decision is a JSON object with a `choice` key at its top level. The last such object after any thinking wins, whatever
stands around it: other keys, nested objects, strings that mention a choice. Text that is not valid JSON is read
leniently (`lenient_json`), and where there is no object at all, a line that is only `choice: X` counts, first, last or
in a form. Everything else is a typed `unparsed` result with a reason; a choice is never inferred from a failure.
docs/replies.md has examples.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from atp_ray.play.lenient_json import LenientObject, read_object

UnparsedReason = Literal["no_decision", "unknown_choice", "ambiguous", "unfinished_thinking"]

KEY = "choice"
LENIENT_READS = 50  # braces that begin no valid JSON; a reply with more of them holds no decision
_THINKING = re.compile(r"(?:^|(?<=\n))[ \t]*<think(?:ing)?>|(?P<end></think(?:ing)?>)")
_ALTERNATIVES = re.compile(
    r"(?:[\W_]|```\w*|\b(?:or|and|maybe|perhaps|either|otherwise|else|not|instead|of|rather|than|vs|versus)\b)*",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\w|\||/")
_LINE = re.compile(
    r"[ \t]*(?:[-*\u2022][ \t]+|\d+[.)][ \t]+)?[*_`]*choice[*_`]*[ \t]*[:=](?P<value>[^\n{}\[\]]*)", re.IGNORECASE
)
_FIELD = re.compile(r"[ \t]*(?:[-*\u2022][ \t]+|\d+[.)][ \t]+)?[*_`]*\w[\w -]{0,30}[*_`]*[ \t]*[:=][*_`]*[ \t]*\S.*")
_AROUND = " \t\r\n\"'`*_.\u201c\u201d\u2018\u2019"
_SAME_LETTER = dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-") | dict.fromkeys([0x2018, 0x2019, 0x02BC], "'")


class ParsedChoice(NamedTuple):
    """A reply's decision: `choice` is one of the offered options, or None with the `reason` it could not be read."""

    choice: str | None
    reason: UnparsedReason | None


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, in order: a key may stand twice."""


class _Object(NamedTuple):
    """An object of a reply: what it states as its choice (several values: the key stands more than once), and where.

    `cut_off` says that it ends with the reply, before it stated any.
    """

    values: Sequence[Any]
    start: int
    end: int
    cut_off: bool = False


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, strict=False)


def visible_reply(reply: str) -> str | None:
    """Return the reply without its thinking, or None when the thinking was never closed."""
    if "<think" not in reply and "</think" not in reply:
        return reply.strip()
    marks = list(_THINKING.finditer(reply))
    if marks and not marks[-1]["end"]:
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
    objects = list(_objects(answer))
    if not objects:
        return _line_choice(answer, by_key)
    stating = [found for found in objects if found.values]
    if not stating or objects[-1].cut_off:
        return ParsedChoice(None, "no_decision")
    last = stating[-1]
    parsed = _option(last.values, by_key)
    if parsed.choice is not None and len(stating) > 1:
        # A reply that repeats the instruction ("{..} or {..}") or weighs both has not decided.
        before = stating[-2]
        between = answer[before.end : last.start]
        if (
            _option(before.values, by_key).choice != parsed.choice
            and _JOINED.search(between.replace("```json", ""))
            and _ALTERNATIVES.fullmatch(between)
        ):
            return ParsedChoice(None, "ambiguous")
    return parsed


def last_stated(text: str, key: str) -> list[Any] | None:
    """Return the values that the last object stating `key` gives it, one unless the key stands more than once.

    Args:
        text: a reply without its thinking; objects are read as those of a decision are.

    Returns:
        An empty list where no object states the key, None where there is no object at all.
    """
    objects = list(_objects(text, key))
    if not objects:
        return None
    stating = [found for found in objects if found.values]
    return list(stating[-1].values) if stating and not objects[-1].cut_off else []


def _objects(text: str, key: str = KEY) -> Iterator[_Object]:
    """Yield the objects of a text that are not inside others, in order; braces in prose are none."""
    start, lenient = text.find("{"), 0
    while start >= 0:
        end = start + 1
        try:
            pairs, end = _DECODER.raw_decode(text, start)
            yield _Object(_stated(pairs, key), start, end)
        except (ValueError, RecursionError):
            lenient += 1
            if lenient > LENIENT_READS:
                yield _Object((), start, len(text), cut_off=True)
                return
            found = read_object(text, start)
            if found is not None and found.closed:
                end = found.end
                yield _Object(_stated(found.pairs, key), start, end)
            elif found is not None:
                # What a cut-off object wraps may be anything.
                values = _stated([pair for pair in found.pairs if not isinstance(pair[1], LenientObject)], key)
                if values or found.quoted:
                    end = found.end
                    yield _Object(values, start, end, cut_off=not values)
        start = text.find("{", end)


def _stated(pairs: Sequence[tuple[str, Any]], wanted: str) -> list[Any]:
    values = [value for key, value in pairs if key.strip().casefold() == wanted]
    if not values and len(pairs) == 1:
        inner = pairs[0][1]
        if isinstance(inner, LenientObject):
            return _stated(inner.pairs, wanted)
        if isinstance(inner, _Pairs):
            return _stated(inner, wanted)
    return values


def _option(values: Sequence[Any], by_key: dict[str, str]) -> ParsedChoice:
    """Return the option that a `choice` names; `values` are all its values, a list among them being alternatives."""
    texts = [_text(item) for value in values for item in (value if _is_list(value) else [value])]
    named = {by_key[key] for text in texts if (key := _normal(text)) in by_key}
    if len(named) == 1:
        return ParsedChoice(named.pop(), None)
    several = len(named) > 1 or any(_names_several(text, by_key) for text in texts)
    return ParsedChoice(None, "ambiguous" if several else "unknown_choice")


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, _Pairs)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (str, bool, int, float)) else ""


def _line_choice(answer: str, by_key: dict[str, str]) -> ParsedChoice:
    lines = [line for line in answer.splitlines() if line.strip() and not line.lstrip().startswith("```")]
    stated = [
        (number, choice)
        for number, line in enumerate(lines)
        if (found := _LINE.fullmatch(line)) and (choice := by_key.get(_normal(found["value"]))) is not None
    ]
    if len({choice for _, choice in stated}) > 1:
        return ParsedChoice(None, "ambiguous")
    # In the middle of prose such a line may be about anybody; in a form it is one of its fields.
    fields = all(_FIELD.fullmatch(line) for line in lines)
    for number, choice in stated:
        if fields or number in (0, len(lines) - 1):
            return ParsedChoice(choice, None)
    return ParsedChoice(None, "no_decision")


def _names_several(value: str, by_key: dict[str, str]) -> bool:
    rest, named = _normal(value), 0
    for key in sorted(by_key, key=len, reverse=True):
        rest, count = re.subn(rf"(?<!\w){re.escape(key)}(?!\w)", " ", rest)
        named += bool(count)
    return named > 1


def _normal(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_SAME_LETTER)
    return " ".join(text.strip(_AROUND).split()).casefold()
