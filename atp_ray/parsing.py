r"""The one choice parser, used by the environment, the reward function and the collection of preference pairs.

A decision is a JSON object with a `choice` key. The last one after any thinking wins, quoted or not, whatever its
case and spacing. Everything else is a typed `unparsed` result with a reason; a choice is never inferred from a failure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

UnparsedReason = Literal["no_decision", "unknown_choice", "ambiguous", "unfinished_thinking"]

_THINK_END = "</think>"
_THINK_START = "<think>"
_DECISION = re.compile(
    r"""["'\u201c\u2018]?\bchoice\b["'\u201d\u2019]?\s*[:=]\s*   # the key
        (?:"(?P<double>[^"{}]*)"|'(?P<single>[^'{}]*)'|[\u201c](?P<curly>[^\u201d{}]*)[\u201d]|(?P<bare>[^,{}"]*))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OBJECT = re.compile(r"\{[^{}]*\}")
_EITHER_OR = re.compile(r"[\s`,;.]*(?:\bor\b|\||/)[\s`]*", re.IGNORECASE)


class ParsedChoice(NamedTuple):
    """A reply's decision: `choice` is one of the offered options, or None with the `reason` it could not be read."""

    choice: str | None
    reason: UnparsedReason | None


def visible_reply(reply: str) -> str | None:
    """Return the reply without its thinking, or None when the thinking was never closed."""
    if _THINK_END in reply:
        return reply.rpartition(_THINK_END)[2].strip()
    return None if _THINK_START in reply else reply.strip()


def parse_choice(reply: str, options: Sequence[str]) -> ParsedChoice:
    """Read the decision in `reply`.

    Args:
        reply: the model's whole reply, thinking included.
        options: the choices offered, in the scenario's words; compared without case and with spaces folded.
    """
    answer = visible_reply(reply)
    if answer is None:
        return ParsedChoice(None, "unfinished_thinking")
    objects = ((found, _choice_value(found.group())) for found in _OBJECT.finditer(answer))
    decisions = [(found, value) for found, value in objects if value is not None]
    if not decisions:
        return ParsedChoice(None, "no_decision")
    by_key = {_normal(option): option for option in options}
    last, value = decisions[-1]
    choice = by_key.get(_normal(value))
    if choice is None:
        named = [key for key in by_key if re.search(rf"\b{re.escape(key)}\b", _normal(value))]
        return ParsedChoice(None, "ambiguous" if len(named) > 1 else "unknown_choice")
    if len(decisions) > 1:
        # A reply that ends by repeating the instruction ("{..} or {..}") has not decided.
        previous, previous_value = decisions[-2]
        other = by_key.get(_normal(previous_value))
        if other != choice and _EITHER_OR.fullmatch(answer[previous.end() : last.start()]):
            return ParsedChoice(None, "ambiguous")
    return ParsedChoice(choice, None)


def _choice_value(text: str) -> str | None:
    found = list(_DECISION.finditer(text))
    if not found:
        return None
    groups = found[-1].groupdict()
    return next(value for value in groups.values() if value is not None)


def _normal(text: str) -> str:
    return " ".join(text.strip(" \t\r\n\"'`.\u201c\u201d\u2018\u2019").split()).casefold()
