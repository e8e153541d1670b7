"""Read a number that needs algebra (roots, pi, sums) by sympy, within bounds that keep it quick."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import accumulate

DEEPEST = 5  # nested brackets; the parser takes exponential time in them

_ALGEBRA = re.compile(r"[\\^*+()π√/]|\bsqrt\b|\bpi\b")
# Evaluating a power or a function is what can take for ever, so only these reach sympy.
_SMALL_POWER = re.compile(
    r"\^\s*(?:[+-]?\d{1,2}|\{\s*[+-]?\d\s*/\s*\d\s*\}|\{\s*\\[dt]?frac\{\d\}\{\d\}\s*\})(?![\s{}]*[\d.])"
)
_COMMANDS = frozenset(["sqrt", "frac", "dfrac", "tfrac", "cfrac", "pi", "cdot", "times", "div", "sin", "cos", "tan"])


def read_algebra(text: str) -> Fraction | None:
    """Return the value of an expression, None where it is none or could be slow to evaluate."""
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
        return Fraction(str(exact if exact.is_Rational else exact.evalf(30)))
    except (SympifyError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, KeyError, IndexError):
        return None  # not an expression after all; the parser says so in many ways
    except Exception as error:  # its lexer raises bare Exceptions of its own for text it does not know
        if type(error).__module__.split(".")[0] in ("latex2sympy2_extended", "antlr4", "builtins"):
            return None
        raise


def _depth(text: str) -> int:
    steps = [{"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(character, 0) for character in text]
    return max(accumulate(steps), default=0)
