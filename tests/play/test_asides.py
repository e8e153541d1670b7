"""A seat is asked something beside its decision: what it is sent, what is kept, and what it took."""

from __future__ import annotations

import pytest
from answering import Answering
from support import make_spec

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.answers import SeatAnswer
from atp_ray.play.asides import PREFACE, answer_aside, asides_of
from atp_ray.play.asking import Asking
from atp_ray.play.decisions import TurnFailure
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.model_calls import ModelReply
from atp_ray.play.probes import Probe
from atp_ray.play.randomness import derive_seed
from atp_ray.play.sampling import Sampling

OWN = Probe(name="own", question="How many of {n_others} will {deviant}?", answer="number", against="deviant_others")
SURE = Probe(name="sure", question="Will you {compliant}?", answer="yes_no")
SPEC = make_spec(n=4, checkpoint="tiny", seed=5, talk=30, probes=(OWN, SURE), probe_rounds=(1, 3))
SAMPLING = Sampling(max_tokens=96, attempts=2, structured=True)
GONE = ModelReply("", latency_s=2.0, error="gone")


def seat_view() -> SeatView:
    return EpisodeMemory(SPEC, (2,)).seat_view(0)


async def answered(phase, index: int, *answers: ModelReply) -> tuple[SeatAnswer, list]:
    model, view = Answering(*answers), seat_view()
    asking = Asking(model, view, SAMPLING)
    return await answer_aside(view, asking, asides_of(SPEC, phase, 1)[index]), model.requests


async def test_a_probe_is_asked_until_it_can_be_read_and_its_whole_reply_is_kept() -> None:
    found, requests = await answered("probe", 0, ModelReply("many", 10, 5, 0.5), ModelReply("2", 10, 1, 0.25))
    assert found == SeatAnswer("2", 2, 20, 6, 0.75)
    assert [request.seed for request in requests] == [
        derive_seed(SPEC.episode_id, 5, 1, 2, "probe", "own", attempt) for attempt in (1, 2)
    ]
    assert not requests[0].sampling.structured
    own = paradigm("games").environment.messages(seat_view())
    assert list(requests[0].messages[:-1]) == own
    assert requests[0].messages[-1]["role"] == "user"
    assert requests[0].messages[-1]["content"] == (
        f"{PREFACE} How many of 3 will {SPEC.scenario.options[0]}? "
        'End your reply with your answer as JSON: {"answer": NUMBER}.'
    )


async def test_a_reply_that_cannot_be_read_is_kept_with_the_reason() -> None:
    found, _ = await answered("probe", 1, ModelReply("perhaps", 1, 1, 0.5), ModelReply("perhaps", 1, 1, 0.5))
    assert (found.text, found.attempts) == ("perhaps", 2)
    assert found.failure == TurnFailure(2, 1, "Unparsed", "not a yes-no answer")


async def test_of_a_model_that_never_answers_nothing_is_kept_but_why() -> None:
    found, requests = await answered("say", 0, GONE, GONE)
    assert found == SeatAnswer(None, 2, 0, 0, 4.0, TurnFailure(2, 1, GONE.failure_type, "gone"))
    assert requests[1].seed == derive_seed(SPEC.episode_id, 5, 1, 2, "say", 2)


@pytest.mark.parametrize(
    ("reply", "kept"), [("Join me.", "Join me."), ("(nothing)", None), ("x" * 31, "x" * 30), ('"We  all"', "We all")]
)
async def test_a_message_is_what_can_be_said_in_one_line(reply: str, kept: str | None) -> None:
    found, _ = await answered("say", 0, ModelReply(reply, 10, 5, 0.5))
    assert found == SeatAnswer(kept, 1, 10, 5, 0.5)


async def test_thinking_that_never_ended_is_no_message() -> None:
    found, _ = await answered("say", 0, *[ModelReply("<think>well", 10, 5, 0.5)] * 2)
    assert (found.text, found.failure) == (None, TurnFailure(2, 1, "Unparsed", "unfinished_thinking"))


def test_what_is_asked_in_each_phase_and_round() -> None:
    assert [aside.place for aside in asides_of(SPEC, "probe", 3)] == [("probe", "own"), ("probe", "sure")]
    assert asides_of(SPEC, "probe", 2) == asides_of(SPEC, "decide", 1) == ()
    assert [aside.place for aside in asides_of(SPEC, "say", 2)] == [("say",)]
    own, sure = asides_of(SPEC, "probe", 1)
    assert (own.example, sure.example) == ('{"answer": 3}', '{"answer": "yes"}')
    assert sure.question == (
        f"{PREFACE} Will you {SPEC.scenario.options[1]}? "
        'End your reply with your answer as JSON, either {"answer": "yes"} or {"answer": "no"}.'
    )
    assert own.kept("as it stands ") == "as it stands "
    (say,) = asides_of(SPEC, "say", 1)
    assert (len(say.example), say.example) == (30, "I think we all do best if we choose"[:30])
