"""What the small model is trained on: conversations in which the analytic teachers think aloud and decide."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from atp_ray.memory import SeatView
from atp_ray.prompts import Message

PULL_STEP = 5  # percent; what a reply states is the probability rounded to this


class Transcript(NamedTuple):
    """A conversation to train on: all messages, and which of them are the teacher's own words in their right place."""

    messages: tuple[Message, ...]
    trained: tuple[bool, ...]


class State(NamedTuple):
    """A decision to be made: the seat's view, its memory, and the teacher's probability of the deviant action."""

    view: SeatView
    probability: float


class TranscriptSource(Protocol):
    """Draws transcripts; the same seed draws the same ones."""

    def transcript(self) -> Transcript:
        """Return one conversation that ends with the teacher's reply."""
        ...


def stated_pull(probability: float) -> str:
    """Return how a reply states the teacher's probability, in percent."""
    return f"Pull {PULL_STEP * round(100 * probability / PULL_STEP)}."
