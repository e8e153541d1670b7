"""The one place that reads a number as people and models write it; exactly, as fractions, wherever that can be."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from atp_ray.paradigms.tool_usage.algebra import read_algebra

LONGEST = 200  # characters; a longer answer is no number
LARGEST_EXPONENT = 400

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
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


class Number(NamedTuple):
    """A number as read; `is_percent` where it was written with a percent sign (then `value` is before division)."""

    value: Fraction
    is_percent: bool = False


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
    value = read_algebra(plain)
    return None if value is None else Number(value)


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
