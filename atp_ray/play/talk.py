"""Cheap talk: how agents are asked to say something before they decide, what counts as said, and how it is told."""

from __future__ import annotations

from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.parsing import visible_reply
from atp_ray.play.sight import heard_seats
from atp_ray.play.turns import Talk

SILENCE = "(nothing)"
_QUOTES = "\"'\u201c\u201d\u2018\u2019"


def say_instruction(longest: int) -> str:
    """Return what asks an agent for its message of at most `longest` characters."""
    return (
        "Before anybody decides, each agent may say one short thing to the others, who read it before they decide. "
        "It binds nobody. Do not decide yet: reply with what you say and nothing else, in one line of at most "
        f"{longest} characters, or with {SILENCE} to say nothing."
    )


def read_message(reply: str, longest: int) -> str | None:
    """Return what a reply says: one line without thinking and enclosing quotes, cut at the limit; None for nothing."""
    text = " ".join((visible_reply(reply) or "").split())
    while len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip()
    if text.strip(" ().").casefold() == SILENCE.strip("()"):
        return None
    return text[:longest].rstrip() or None


def heard_text(spec: EpisodeSpec, round_number: int, talk: Talk, seat: int) -> str:
    """Return what `seat` is told was said before the decisions of a round, by those it hears and by itself."""
    heard = heard_seats(spec, round_number, talk.hidden, seat)
    spoken = [(other, text) for other in heard if (text := talk.said_A[other]) is not None]
    lines = ["What was said before this decision:", *(f"Agent {other + 1}: {quoted(text)}" for other, text in spoken)]
    if len(spoken) < len(heard):
        lines.append("The rest said nothing." if spoken else "The others said nothing.")
    own = talk.said_A[seat]
    return "\n".join([*lines, "You said nothing." if own is None else f"You: {quoted(own)}"])


def quoted(text: str) -> str:
    """Return a message in quotes of its own."""
    # Who said it is what stands before the first quote of a line.
    inner = text.replace('"', "'")
    return f'"{inner}"'
