"""Reading the answer to a probe: `{"answer": ...}`, as leniently as a decision, and never more than was said."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from atp_ray.play.parsing import last_stated, visible_reply
from atp_ray.play.probes import AnswerKind

KEY = "answer"
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?![\w]|\.\d)")
_AROUND = " \t\r\n\"'`*_.!\u201c\u201d\u2018\u2019"
_YES_NO = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_INSTRUCTIONS = {
    "number": 'End your reply with your answer as JSON: {"answer": NUMBER}.',
    "yes_no": 'End your reply with your answer as JSON, either {"answer": "yes"} or {"answer": "no"}.',
    "text": 'End your reply with your answer as JSON: {"answer": "TEXT"}.',
}


class ProbeAnswer(NamedTuple):
    """What a reply answers: its words, the number they stand for (yes 1, no 0; None for text), or why it is unread."""

    text: str | None
    value: float | None
    reason: str | None


def answer_instruction(kind: AnswerKind) -> str:
    """Return the sentence that asks for the JSON `read_answer` reads."""
    return _INSTRUCTIONS[kind]


def read_answer(reply: str, kind: AnswerKind) -> ProbeAnswer:
    """Read the answer in a whole reply, thinking included; without any JSON object the reply itself is the answer."""
    visible = visible_reply(reply)
    if visible is None:
        return ProbeAnswer(None, None, "unfinished_thinking")
    stated = last_stated(visible, KEY)
    if stated is None:
        stated = [visible.strip()] if visible.strip() else []
    if len(stated) != 1:
        return ProbeAnswer(None, None, "ambiguous" if stated else "no_answer")
    text = _words(stated[0])
    if text is None:
        return ProbeAnswer(None, None, "no_answer")
    if kind == "text":
        return ProbeAnswer(text, None, None)
    value = _YES_NO.get(text.strip(_AROUND).casefold()) if kind == "yes_no" else _number(stated[0])
    return ProbeAnswer(text, value, None if value is not None else f"not a {kind.replace('_', '-')} answer")


def _words(value: Any) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def _number(value: Any) -> float | None:
    """Return a number, or the only one in a text."""
    if isinstance(value, bool):
        return None
    found = [str(value)] if isinstance(value, int | float) else _NUMBER.findall(str(value))
    try:
        number = float(found[0]) if len(found) == 1 else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
