"""What a seat is asked beside its decision: to say something, or a probe. No such question is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.answers import SeatAnswer
from atp_ray.play.asking import Asking
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import SeatView
from atp_ray.play.parsing import visible_reply
from atp_ray.play.probe_answers import answer_instruction, read_answer
from atp_ray.play.probes import AnswerKind, Probe
from atp_ray.play.prompts import Message
from atp_ray.play.talk import read_message, say_instruction
from atp_ray.play.turns import Phase

PREFACE = "First a question aside. Your answer is shown to no other agent, and it is not your decision."
_SAYING = "I think we all do best if we choose the same. "
_EXAMPLES: Mapping[AnswerKind, str] = {
    "number": '{"answer": 3}',
    "yes_no": '{"answer": "yes"}',
    "text": json.dumps({"answer": 3 * _SAYING}),
}


class Aside(NamedTuple):
    """A question, put after all that a seat is sent for its decision.

    `place` tells it from other questions of the round, for the seed; `unread` says why a reply cannot be read, None
    where it can; `kept` is what is kept of a reply, None for nothing. `example` is a reply that can be read.
    """

    place: tuple[str, ...]
    question: str
    unread: Callable[[str], str | None]
    kept: Callable[[str], str | None]
    example: str


def asides_of(spec: EpisodeSpec, phase: Phase, round_number: int) -> tuple[Aside, ...]:
    """Return what is asked in a phase of a round; nothing where it has no such phase."""
    if phase == "say":
        return (_say(spec.talk),) if spec.talk else ()
    if phase == "probe":
        return tuple(_probe(spec, probe) for probe in spec.probes_at(round_number))
    return ()


def aside_messages(view: SeatView, aside: Aside) -> list[Message]:
    """Return the chat messages with which a seat is asked."""
    asked = Message(role="user", content=aside.question)
    return [*paradigm(view.spec.paradigm).environment.messages(view), asked]


def first_messages(view: SeatView) -> list[Message]:
    """Return the chat messages a seat is sent first in its round: to say something, else to decide."""
    said = asides_of(view.spec, "say", view.round) if view.talk is None else ()
    return aside_messages(view, said[0]) if said else paradigm(view.spec.paradigm).environment.messages(view)


async def answer_aside(view: SeatView, asking: Asking, aside: Aside) -> SeatAnswer:
    """Return what a seat answers, asking its model until a reply can be read; `asking` is for this question alone."""
    reply = await asking.reply(aside_messages(view, aside), aside.unread, aside.place, free=True)
    if reply is None:
        return asking.answer(None, read=False)
    return asking.answer(aside.kept(reply), read=aside.unread(reply) is None)


def _say(longest: int) -> Aside:
    return Aside(
        ("say",),
        say_instruction(longest),
        lambda reply: "unfinished_thinking" if visible_reply(reply) is None else None,
        lambda reply: read_message(reply, longest),
        (_SAYING * (longest // len(_SAYING) + 1))[:longest],
    )


def _probe(spec: EpisodeSpec, probe: Probe) -> Aside:
    words = probe.words(spec.scenario.options, spec.parameters.n_agents)
    return Aside(
        ("probe", probe.name),
        f"{PREFACE} {words} {answer_instruction(probe.answer)}",
        lambda reply: read_answer(reply, probe.answer).reason,
        lambda reply: reply,
        _EXAMPLES[probe.answer],
    )
