r"""The one place that reads a number from a reply to a maths problem and compares it with the truth.

The final answer is the last `\boxed{...}`, else the last "answer is ..." or "Answer: ...", else what follows `####`;
a bare number in the text is no answer. Numbers are read exactly (as fractions) wherever they can be. Expressions that
need algebra (roots, pi, sums) go to sympy through the parser of math-verify, within bounds that keep it quick.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal, NamedTuple

from atp_ray.parsing import visible_reply

TOLERANCE = 1e-3  # the paper's
LONGEST = 200  # characters; a longer answer is no number
LARGEST_EXPONENT = 400

GradeReason = Literal["no_answer", "not_a_number", "unfinished_thinking"]

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
_ANSWER = re.compile(
    r"(?:final\s+answer|answer)\s*(?:is\s*:?|[:=])\s*(?P<text>[^\n]+?)(?=\.?(?:\s*\n|\s*\Z)|\.\s)",
    re.IGNORECASE,
)
_HASHES = re.compile(r"####\s*(?P<text>[^\n]+)")
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d+)(?:\.\d*)?|\.\d+"
_UNIT = r"(?P<unit>\s*(?:%|percent\b)|\s*°|\s+(?:degrees?|[a-zA-Z$€£].*)|(?:[a-zA-Z]{2,}.*)|\s*[€£$])?"
_PLAIN = re.compile(rf"(?P<sign>[+-]?)\s*(?:[$€£]\s*)?(?P<sign2>[+-]?)(?P<digits>{_DIGITS}){_UNIT}\Z")
_RATIO = re.compile(rf"(?P<sign>[+-]?)\s*(?:(?P<whole>\d+) )?(?P<top>\d[\d.]*)\s*/\s*(?P<bottom>\d[\d.]*){_UNIT}\Z")
_POWER = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<factor>\d+(?:\.\d*)?)\s*[*x]\s*)?(?P<base>\d+)\s*\^\s*(?P<power>[+-]?\d+)\Z"
)
_SCIENTIFIC = re.compile(r"(?P<factor>[+-]?(?:\d+(?:\.\d*)?|\.\d+))[eE](?P<power>[+-]?\d+)\Z")
_SHORT_FRACTION = re.compile(r"\\[dtc]?frac\s*(?P<top>\d)\s*(?P<bottom>\d)")
_FRACTION = re.compile(r"\\[dtc]?frac\s*\{\s*(?P<top>[+-]?\d[\d.,]*)\s*\}\s*\{\s*(?P<bottom>[+-]?\d[\d.,]*)\s*\}")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|operatorname)\s*\{([^{}]*)\}")
_NAMED = re.compile(r"\A(?:\\?[a-zA-Z]\w{0,3}(?:\([a-z0-9]\)|_\{?\w+\}?)?\s*)?=\s*")
_OR_WORDS = re.compile(r"\b(?:or|and|to|plus|minus|times|over|between|is|not)\b", re.IGNORECASE)
_ALGEBRA = re.compile(r"[\\^*+()π√/]|\bsqrt\b|\bpi\b")
_SHORT_UNITS = frozenset("mgshlLJNWVACKF")
_NOT_UNITS = frozenset(("pi", "sqrt", "inf", "infinity", "nan", "mod"))


class Number(NamedTuple):
    """A number as read; `is_percent` where it was written with a percent sign (then `value` is before division)."""

    value: Fraction
    is_percent: bool = False


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


def grade(reply: str, expected: str, tolerance: float = TOLERANCE) -> Grade:
    """Compare the final answer of `reply` with the true answer.

    Raises:
        ValueError: `expected` is not a number.
    """
    truth = read_number(expected)
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
    return any(abs(a - b) <= bound for a in _meanings(answer) for b in _meanings(expected))


def read_number(text: str) -> Number | None:
    """Read one number: whole, decimal, fraction, mixed, percent, scientific, LaTeX; None for anything else.

    Currency signs before and words after a number are left out, as are `x =` and dollar signs around LaTeX. Lists,
    intervals, alternatives, infinities and complex numbers are not one number.
    """
    if len(text) > LONGEST:
        return None
    plain = _normal(text)
    # int() refuses texts of thousands of digits; LONGEST keeps well below that.
    as_ratios = _ratios(plain)
    for read in (_read_plain, _read_ratio, _read_scientific, _read_power):
        number = read(as_ratios)
        if number is not None:
            return number
    return _read_algebra(plain)


def _meanings(number: Number) -> tuple[Fraction, ...]:
    return (number.value, number.value / 100) if number.is_percent else (number.value,)


def _final_text(visible: str) -> str | None:
    boxed = _last_boxed(visible)
    if boxed is not None:
        return boxed
    for pattern in (_ANSWER, _HASHES):
        found = list(pattern.finditer(visible))
        if found:
            return _clean_sentence(found[-1]["text"])
    return None


def _last_boxed(text: str) -> str | None:
    start = max(text.rfind("\\boxed{"), text.rfind("\\fbox{"))
    if start < 0:
        return None
    begin = text.index("{", start) + 1
    depth = 1
    for position in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[begin:position]
    return None  # cut off before the brace closed: not finished


def _clean_sentence(text: str) -> str:
    # "The answer is 12. I am sure." ends at the first full stop that is not a decimal point.
    return re.split(r"\.(?:\s|$)", text.strip().strip("*`_ "), maxsplit=1)[0].strip("*`_ ")


def _normal(text: str) -> str:
    text = text.replace("−", "-").replace("–", "-").replace("\\$", "$").replace("\\%", "%")
    text = text.replace("{,}", ",").replace("\\!", "").replace("\\left", "").replace("\\right", "")
    text = re.sub(r"\\[,;: ]", " ", text)
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?", "°", text)
    text = _TEXT.sub(r" \1 ", text)
    text = re.sub(r"\\(?:cdot|times|ast)(?![a-zA-Z])", "*", text)
    text = text.replace("×", "*").replace("·", "*")
    text = re.sub(r"\^\s*\{\s*([+-]?\d+)\s*\}", r"^\1", text)
    text = _SPACES.sub(" ", text).strip()
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("`", "`"), ("**", "**")):
        if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening) + len(closing):
            text = text[len(opening) : -len(closing)].strip()
    text = _NAMED.sub("", text)
    return text.rstrip(".").strip() if not text.endswith("..") else text


def _ratios(text: str) -> str:
    """Return `text` with LaTeX fractions of plain numbers as `a/b`; a whole number before one makes it a mixed one."""
    text = _SHORT_FRACTION.sub(r"(\g<top>)/(\g<bottom>)", text)
    text = _FRACTION.sub(lambda found: f"({found['top']})/({found['bottom']})".replace(",", ""), text)
    text = re.sub(r"(?<=\d)\s*\((\d[\d.]*)\)/\((\d[\d.]*)\)", r" \1/\2", text)
    return re.sub(r"\(([+-]?\d[\d.]*)\)/\((\d[\d.]*)\)", r"\1/\2", text)


def _unit_is_fine(unit: str | None) -> bool:
    """Return whether what follows a number leaves it one number: no more digits, no alternatives, no algebra."""
    words = (unit or "").strip()
    if len(words) == 1 and words.isalpha():
        return words in _SHORT_UNITS and (unit or "").startswith(" ")
    return (
        not re.search(r"[\d=<>\\^*+|,;:()\[\]!]", words)
        and not re.search(r"(?<![a-zA-Z])/|/(?![a-zA-Z])", words)
        and not _OR_WORDS.search(words)
        and words.casefold() not in _NOT_UNITS
    )


def _is_percent(unit: str | None) -> bool:
    return unit is not None and unit.strip().casefold() in ("%", "percent")


def _read_plain(text: str) -> Number | None:
    found = _PLAIN.match(text)
    if found is None or (found["sign"] and found["sign2"]) or not _unit_is_fine(found["unit"]):
        return None
    value = Fraction(found["digits"].replace(",", "").replace(" ", "").removesuffix("."))
    return Number(-value if "-" in (found["sign"], found["sign2"]) else value, _is_percent(found["unit"]))


def _read_ratio(text: str) -> Number | None:
    found = _RATIO.match(text)
    if found is None or not _unit_is_fine(found["unit"]):
        return None
    top, bottom = _decimal(found["top"]), _decimal(found["bottom"])
    if top is None or not bottom:
        return None
    value = Fraction(int(found["whole"] or 0)) + top / bottom
    return Number(-value if found["sign"] == "-" else value, _is_percent(found["unit"]))


def _read_scientific(text: str) -> Number | None:
    found = _SCIENTIFIC.match(text)
    if found is None or abs(int(found["power"])) > LARGEST_EXPONENT:
        return None
    return Number(Fraction(found["factor"].removesuffix(".")) * Fraction(10) ** int(found["power"]))


def _read_power(text: str) -> Number | None:
    found = _POWER.match(text)
    if found is None or abs(int(found["power"])) > LARGEST_EXPONENT or len(found["base"]) > 12:
        return None
    base, power = int(found["base"]), int(found["power"])
    if base == 0 and power <= 0:
        return None
    value = Fraction((found["factor"] or "1").removesuffix(".")) * Fraction(base) ** power
    return Number(-value if found["sign"] == "-" else value)


def _decimal(text: str) -> Fraction | None:
    return Fraction(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


def _read_algebra(text: str) -> Number | None:
    """Read what needs algebra; powers are bounded first, as evaluating them is not."""
    if re.fullmatch(r"\d+(?:/\d+){2,}", text):
        return None  # a date
    if (
        not _ALGEBRA.search(text)
        or "!" in text
        or text.count("^") > 2
        or re.search(r"\^\s*\(|\^\s*\d{3,}|\d{13,}", text)
    ):
        return None
    if re.search(
        r"\^\s*\{?[^ ]*\^|[,;=<>:&\[\]~]|\\(?:pm|mp|infty|cup|cap|in|le|ge|to|ln|log|sum|prod|int|binom)", text
    ):
        return None
    if "/" in text and not re.search(r"[\\√π]|sqrt|pi", text) and not re.fullmatch(r"[\d\s./*+()^-]+", text):
        return None
    # Imported here: sympy costs a second and 50 MB, and nearly every answer is a plain number.
    from latex2sympy2_extended import latex2sympy
    from sympy import SympifyError

    latex = text.replace("√", "\\sqrt").replace("π", "\\pi").replace("*", "\\cdot ")
    latex = re.sub(r"(?<!\\)\bsqrt\s*\(([^()]*)\)", r"\\sqrt{\1}", latex)
    latex = re.sub(r"(?<!\\)\b(pi|sqrt)\b", r"\\\1", latex)
    try:
        expression = latex2sympy(latex)
        if not getattr(expression, "is_number", False) or not expression.is_real or not expression.is_finite:
            return None
        return Number(Fraction(str(expression.evalf(30))))
    except (SympifyError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, KeyError, IndexError):
        return None  # not an expression after all; the parser says so in many ways
    except Exception as error:  # its lexer raises bare Exceptions of its own for text it does not know
        if type(error).__module__.split(".")[0] in ("latex2sympy2_extended", "antlr4", "builtins"):
            return None
        raise
