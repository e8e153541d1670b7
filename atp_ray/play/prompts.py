"""The one prompt builder: an agent's memory in, chat messages out.

What all seats share comes before what is private (in the games system message and first question are equal for
everyone), so that the engine's prefix cache pays for the shared part once. A past round is its question, the agent's
own reply and what the environment told it then; what was said before a decision follows its question. A paradigm whose
rounds are no dialogue lays out its own messages.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import SeatView
from atp_ray.play.talk import heard_text
from atp_ray.play.turns import Talk
from atp_ray.play.wording import NO_DECISION

# Changes whenever a prompt's wording or layout does; a checkpoint trained on another layout refuses to play.
LAYOUT_VERSION = 2


class Message(TypedDict):
    """One chat message in the form every chat template understands."""

    role: Literal["system", "user", "assistant"]
    content: str


def build_messages(view: SeatView) -> list[Message]:
    """Return the chat messages from which a seat decides its next round, past rounds as a dialogue."""
    spec = view.spec
    environment = paradigm(spec.paradigm).environment
    messages: list[Message] = [{"role": "system", "content": environment.system(spec)}]
    for past in view.rounds:
        then = past.spec or spec
        messages += _user(*past.notes, environment.question(then, past.public.round))
        messages += _heard(then, past.public.round, past.public.talk, view.seat)
        messages.append({"role": "assistant", "content": past.own_reply or f"({NO_DECISION})"})
        messages += _user(*environment.feedback(then, past, view.seat))
    messages += _user(*view.notes, environment.question(spec, view.round))
    return messages + _heard(spec, view.round, view.talk, view.seat)


def _heard(spec: EpisodeSpec, round_number: int, talk: Talk | None, seat: int) -> list[Message]:
    return [] if talk is None else _user(heard_text(spec, round_number, talk, seat))


def _user(*texts: str) -> list[Message]:
    return [{"role": "user", "content": text} for text in texts]


def merge_neighbours(messages: list[Message]) -> list[Message]:
    """Join neighbouring messages of one role, for chat templates that insist on alternation."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += "\n\n" + message["content"]
        else:
            merged.append({**message})
    return merged
