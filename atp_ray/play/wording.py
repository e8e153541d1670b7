"""Wording that all scenarios share: how numbers are written and how a decision is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import StringConstraints

NO_DECISION = "no valid decision"
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def number(value: float) -> str:
    """Return `value` with at most four significant digits and no trailing zeros."""
    return f"{value:.4g}"


def money(value: float) -> str:
    """Return an income in dollars; cents are shown where there are any."""
    return f"${round(value, 2):.0f}" if round(value, 2) == round(value) else f"${value:.2f}"


def percent(part: int, whole: int) -> str:
    """Return `part` of `whole` as a whole percentage."""
    return f"{100 * part / whole:.0f}%" if whole else "0%"


def reply_instruction(options: Sequence[str]) -> str:
    """Return the sentence that asks for the JSON decision `atp_ray.play.parsing.parse_choice` reads."""
    *others, last = (f'{{"choice": "{option}"}}' for option in options)
    which = "either" if len(others) == 1 else "one of"
    return (
        "Think it through briefly, then end your reply with your decision as JSON, "
        f"{which} {', '.join(others)} or {last}."
    )
