r"""The one place that reads a number from a reply to a maths problem and compares it with the truth.

The final answer is the last `\boxed{...}`, else the last "answer is ..." or "Answer: ...", else what follows `####`;
a bare number in the text is no answer. Numbers are read exactly (as fractions) wherever they can be. Expressions that
need algebra (roots, pi, sums) go to sympy through the parser of math-verify, within bounds that keep it quick.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import accumulate
from typing import Literal, NamedTuple

from atp_ray.parsing import visible_reply

TOLERANCE = 1e-3  # the paper's
LONGEST = 200  # characters; a longer answer is no number
LARGEST_EXPONENT = 400
DEEPEST = 5  # nested brackets; the parser takes exponential time in them

GradeReason = Literal["no_answer", "not_a_number", "unfinished_thinking"]

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
# Possessive, so that a reply of nothing but spaces is read in linear time.
_ANSWER = re.compile(r"answer[\s*_`]*+(?:is\s*+:?|[:=])\s*+(?=\S)", re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*+\{")
_HASHES = re.compile(r"####\s*(?P<text>[^\n]+)")
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d+)(?:\.\d*)?|\.\d+"
_UNIT = (
    r"(?P<unit>\s*(?:%|percent\b)(?:\s+[a-zA-Z].*)?|\s*°|\s+(?:degrees?|[a-zA-Z$€£].*)|(?:[a-zA-Z]{2,}.*)|\s*[€£$])?"
)
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
_SHORT_GLUED = frozenset(
    [
        "mm",
        "cm",
        "dm",
        "km",
        "kg",
        "mg",
        "ml",
        "mL",
        "cl",
        "dl",
        "kL",
        "ft",
        "in",
        "yd",
        "mi",
        "lb",
        "oz",
        "hr",
        "ms",
        "ns",
        "st",
        "nd",
        "rd",
        "th",
        "kW",
        "kJ",
        "Hz",
        "Pa",
    ]
)
# Words after a number that make it another number, or none.
_NOT_UNITS = frozenset(
    [
        "pi",
        "sqrt",
        "inf",
        "infinity",
        "nan",
        "mod",
        "log",
        "ln",
        "sin",
        "cos",
        "tan",
        "exp",
        "squared",
        "cubed",
        "factorial",
        "less",
        "more",
        "choose",
        "point",
        "half",
        "halves",
        "third",
        "thirds",
        "quarter",
        "quarters",
        "hundredth",
        "hundredths",
        "tenths",
        "undefined",
        "if",
        "unless",
        "root",
    ]
)
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_UNIT_POWER = re.compile(
    r"(?<=[\d ])(mm|cm|dm|km|m|in|ft|yd|mi|inches|feet|meters|metres|miles|yards|units?)"
    r"\s*(?:\^\s*\{?[23]\}?|[²³])(?!\w)"
)
# Evaluating a power or a function is what can take for ever, so only these reach sympy.
_SMALL_POWER = re.compile(
    r"\^\s*(?:[+-]?\d{1,2}|\{\s*[+-]?\d\s*/\s*\d\s*\}|\{\s*\\[dt]?frac\{\d\}\{\d\}\s*\})(?![\s{}]*[\d.])"
)
_COMMANDS = frozenset(["sqrt", "frac", "dfrac", "tfrac", "cfrac", "pi", "cdot", "times", "div", "sin", "cos", "tan"])


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


def _normal(text: str) -> str:
    text = text.replace("−", "-").replace("–", "-").replace("\\$", "$").replace("\\%", "%")
    text = text.replace("{,}", ",").replace("\\!", "").replace("\\left", "").replace("\\right", "")
    text = re.sub(r"\\[,;: ]", " ", text)
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?", "°", text)
    text = _TEXT.sub(r" \1 ", text)
    text = re.sub(r"\\(?:cdot|times|ast)(?![a-zA-Z])", "*", text)
    text = _UNIT_POWER.sub(r"\1", text)
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
    first, *_ = re.findall(r"[a-zA-Z]+", words) or [""]
    glued = bool(unit) and (unit or "")[0].isalpha()
    if len(first) == 1 and (glued or first not in _SHORT_UNITS | {"a"}):
        return False
    if glued and len(first) == 2 and first not in _SHORT_GLUED:
        return False  # 5xy is a product
    return (
        not re.search(r"[\d=<>\\^*+|,;:()\[\]!]", words)
        and not re.search(r"(?<![a-zA-Z])/|/(?![a-zA-Z])", words)
        and not _OR_WORDS.search(words)
        and _NOT_UNITS.isdisjoint(re.findall(r"[a-z]+", words.casefold()))
    )


def _is_percent(unit: str | None) -> bool:
    return unit is not None and re.match(r"\s*(?:%|percent\b)", unit, re.IGNORECASE) is not None


def _scale(unit: str | None) -> int:
    first = re.match(r"\s*([a-z]+)", (unit or "").casefold())
    return _SCALES.get(first[1], 1) if first else 1


def _read_plain(text: str) -> Number | None:
    found = _PLAIN.match(text)
    if found is None or (found["sign"] and found["sign2"]) or not _unit_is_fine(found["unit"]):
        return None
    value = Fraction(found["digits"].replace(",", "").replace(" ", "").removesuffix(".")) * _scale(found["unit"])
    return Number(-value if "-" in (found["sign"], found["sign2"]) else value, _is_percent(found["unit"]))


def _read_ratio(text: str) -> Number | None:
    found = _RATIO.match(text)
    if found is None or not _unit_is_fine(found["unit"]):
        return None
    top, bottom = _decimal(found["top"]), _decimal(found["bottom"])
    if top is None or not bottom:
        return None
    value = (Fraction(int(found["whole"] or 0)) + top / bottom) * _scale(found["unit"])
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


def _depth(text: str) -> int:
    steps = [{"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(character, 0) for character in text]
    return max(accumulate(steps), default=0)


def _read_algebra(text: str) -> Number | None:
    """Read what needs algebra; powers are bounded first, as evaluating them is not."""
    if re.fullmatch(r"\d+(?:/\d+){2,}", text):
        return None  # a date
    if (
        not _ALGEBRA.search(text)
        or "!" in text
        or text.count("^") > 2
        or "^" in _SMALL_POWER.sub("", text)
        or re.search(r"[^\w\s.+*/^(){}\\√-]|\d{13,}", text)  # the parser drops marks it does not know
        or _depth(text) > DEEPEST
        or re.search(r"[a-zA-Z]", re.sub(r"\\[a-zA-Z]+|sqrt|pi|e", "", text))  # names are slow to parse and no number
        or not _COMMANDS.issuperset(re.findall(r"\\([a-zA-Z]+)", text))
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
        exact = expression.doit()
        return Number(Fraction(str(exact if exact.is_Rational else exact.evalf(30))))
    except (SympifyError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, KeyError, IndexError):
        return None  # not an expression after all; the parser says so in many ways
    except Exception as error:  # its lexer raises bare Exceptions of its own for text it does not know
        if type(error).__module__.split(".")[0] in ("latex2sympy2_extended", "antlr4", "builtins"):
            return None
        raise
