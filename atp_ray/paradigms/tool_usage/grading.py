r"""The one place that finds the answer in a reply to a maths problem and compares it with the truth.

The final answer is the last `\boxed{...}`, else the last "answer is ..." or "Answer: ...", else what follows `####`;
a bare number in the text is no answer.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Literal, NamedTuple

from atp_ray.paradigms.tool_usage.number_reading import Number, read_number
from atp_ray.play.parsing import visible_reply

TOLERANCE = 1e-3  # the paper's

GradeReason = Literal["no_answer", "not_a_number", "unfinished_thinking"]

# Possessive, so that a reply of nothing but spaces is read in linear time.
_ANSWER = re.compile(r"answer[\s*_`]*+(?:is\s*+:?|[:=])\s*+(?=\S)", re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*+\{")
_HASHES = re.compile(r"####\s*(?P<text>[^\n]+)")


class ParsedAnswer(NamedTuple):
    """The final answer of a reply: its text and number, or the reason there is none."""

    text: str | None
    number: Number | None
    reason: GradeReason | None


class Grade(NamedTuple):
    """Whether a reply is right: the answer as written, None where no number could be read, and then why."""

    answer: str | None
    correct: bool
    reason: GradeReason | None


def grade(reply: str, expected: str | float | Fraction, tolerance: float = TOLERANCE) -> Grade:
    """Compare the final answer of `reply` with the true answer.

    Raises:
        ValueError: `expected` is not a number.
    """
    truth = read_number(expected) if isinstance(expected, str) else _exactly(expected)
    if truth is None:
        raise ValueError(f"the expected answer {expected!r} is not a number")
    parsed = read_answer(reply)
    if parsed.number is None:
        return Grade(None, False, parsed.reason)
    return Grade(parsed.text, same_number(parsed.number, truth, tolerance), None)


def read_answer(reply: str) -> ParsedAnswer:
    """Find the final answer in a reply, after any thinking; the last one wins."""
    visible = visible_reply(reply)
    if visible is None:
        return ParsedAnswer(None, None, "unfinished_thinking")
    text = _final_text(visible)
    if text is None:
        return ParsedAnswer(None, None, "no_answer")
    number = read_number(text)
    return ParsedAnswer(text.strip(), number, None if number is not None else "not_a_number")


def same_number(answer: Number, expected: Number, tolerance: float = TOLERANCE) -> bool:
    """Return whether two numbers agree within an absolute tolerance; a percentage also agrees as the fraction it is."""
    bound = Fraction(tolerance)
    if answer.is_percent and expected.is_percent:
        return abs(answer.value - expected.value) <= bound  # 45% is not 0.45%
    return any(abs(a - b) <= bound for a in _meanings(answer) for b in _meanings(expected))


def _exactly(value: float | Fraction) -> Number | None:
    return Number(Fraction(value)) if math.isfinite(value) else None


def _meanings(number: Number) -> tuple[Fraction, ...]:
    return (number.value, number.value / 100) if number.is_percent else (number.value,)


def _final_text(visible: str) -> str | None:
    boxes = list(_BOX.finditer(visible))
    if boxes:
        return _to_closing_brace(visible, boxes[-1].end())
    answers = list(_ANSWER.finditer(visible))
    if answers:
        return _clean_sentence(visible[answers[-1].end() :].partition("\n")[0])
    hashes = list(_HASHES.finditer(visible))
    return _clean_sentence(hashes[-1]["text"]) if hashes else None


def _to_closing_brace(text: str, begin: int) -> str | None:
    depth = 1
    for position in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[begin:position]
    return None  # cut off before the brace closed: the answer was not finished, and no earlier one stands for it


def _clean_sentence(text: str) -> str:
    # "The answer is 12. I am sure." ends at the first full stop that is not a decimal point.
    return re.split(r"\.(?:\s|$)", text.strip().strip("*`_ "), maxsplit=1)[0].strip("*`_ ")
