r"""The reference implementation's way to read a choice, for runs that are to be like the paper (`reading: first`).

The first JSON with a `choice` in the whole reply counts, thinking included: a choice quoted while thinking wins over
the final answer. A value without quotes ends at its first space. Ours is `atp_ray.play.parsing`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from atp_ray.play.parsing import ParsedChoice

_FIRST = re.compile(
    r"""\{[^{}]*?["']?choice["']?\s*:\s*(?:"(?P<double>[^"{}]*)"|'(?P<single>[^'{}]*)'|(?P<bare>[^\s"'{},]+))[^{}]*\}""",
    re.IGNORECASE,
)


def parse_first_choice(reply: str, options: Sequence[str]) -> ParsedChoice:
    """Return the decision that the reference would read.

    Args:
        reply: the model's whole reply, thinking included.
        options: the choices offered; compared without case and without spaces around them.
    """
    found = _FIRST.search(reply)
    if found is None:
        return ParsedChoice(None, "no_decision")
    value = next(text for text in found.groups() if text is not None).strip().casefold()
    choice = next((option for option in options if option.casefold() == value), None)
    return ParsedChoice(choice, None if choice is not None else "unknown_choice")
