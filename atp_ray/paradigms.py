"""The paper's three testbeds by name."""

from __future__ import annotations

from typing import Literal, NamedTuple

Paradigm = Literal["games", "role_play", "tool_usage"]
"""`games`: imitative strategy diffusion (section 3.2); the other two: self-interested exploration (section 3.1)."""


class Terms(NamedTuple):
    """What the deviant action of a paradigm is called: its rate, and one such action in a trace."""

    rate: str
    deviates: str
    complies: str


TERMS: dict[Paradigm, Terms] = {
    "games": Terms("collusion rate", "colludes", "refrains"),
    "role_play": Terms("violation rate", "breaks the rule", "keeps the rule"),
    "tool_usage": Terms("rate of doing without the tool", "reasons directly", "uses the tool"),
}
