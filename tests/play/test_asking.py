"""Asking a model for one seat's round: what is sent, what is asked again, and what is kept of it."""

from types import SimpleNamespace

import pytest
from answering import Answering
from support import make_spec

from atp_ray.play.actions import Action
from atp_ray.play.asking import Asking
from atp_ray.play.decisions import TurnFailure
from atp_ray.play.memory import SeatView
from atp_ray.play.model_calls import ModelReply
from atp_ray.play.problems import Solution
from atp_ray.play.sampling import Sampling

SPEC = make_spec(n=4, checkpoint="tiny", seed=5)
VIEW = SeatView(SPEC, seat=2, rounds=(), round=3)
SAMPLING = Sampling(max_tokens=96, attempts=3)
QUESTION = [
    {"role": "system", "content": "You play."},
    {"role": "user", "content": "News."},
    {"role": "user", "content": "Yes?"},
]
YES, NO, GONE = ModelReply("yes", 10, 5, 0.5), ModelReply("no", 10, 5, 0.5), ModelReply("", latency_s=2.0, error="gone")


def unread(reply: str) -> str | None:
    return None if reply == "yes" else f"says {reply}"


async def asked(*answers: ModelReply, place=(), stop=(), **options):
    """The reply that was taken, the requests that were sent, and the asking itself."""
    model = Answering(*answers)
    asking = Asking(model, VIEW, SAMPLING, **options)
    return await asking.reply(QUESTION, unread, place, stop), model.requests, asking


async def test_a_question_is_sent_as_it_is_with_the_checkpoints_sampling_options_and_stops() -> None:
    reply, (request,), _ = await asked(YES, stop=("</tool>",))
    assert reply == "yes"
    assert list(request.messages) == QUESTION
    assert (request.sampling, request.options, request.stop) == (SAMPLING, SPEC.scenario.options, ("</tool>",))
    _, (request,), _ = await asked(YES)
    assert request.stop == ()


async def test_neighbours_are_joined_for_templates_that_insist_on_alternation() -> None:
    _, (request,), _ = await asked(YES, alternate_roles=True)
    assert [message["content"] for message in request.messages] == ["You play.", "News.\n\nYes?"]


async def test_every_question_of_a_round_and_every_attempt_has_a_seed_of_its_own() -> None:
    _, first, _ = await asked(NO, NO, NO)
    _, second, _ = await asked(NO, NO, NO, place=("complex", 1))
    assert len({request.seed for request in [*first, *second]}) == 6


async def test_a_seed_is_the_recorded_one_of_episode_seed_round_seat_and_attempt() -> None:
    # As in test_randomness.py: another seed would mean that no transcript of a model can be repeated.
    episode = SimpleNamespace(episode_id="episode-7", seed=3, scenario=SPEC.scenario)
    model = Answering(YES)
    await Asking(model, SeatView(episode, seat=5, rounds=(), round=2), SAMPLING).reply(QUESTION, unread)
    assert model.requests[0].seed == 1688390818


async def test_whatever_failed_is_asked_again_up_to_the_limit() -> None:
    reply, requests, asking = await asked(GONE, NO, YES)
    assert (reply, len(requests)) == ("yes", 3)
    assert asking.decision(Action.DEVIANT, reply) == (Action.DEVIANT, "yes", 3, 20, 10, 3.0, None, (), None)
    reply, requests, _ = await asked(NO, GONE, GONE)
    assert (reply, len(requests)) == ("no", 3)
    reply, requests, _ = await asked(GONE, GONE, GONE)
    assert (reply, len(requests)) == (None, 3)


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ((NO, NO, NO), TurnFailure(2, 3, "Unparsed", "says no")),
        ((NO, NO, GONE), TurnFailure(2, 3, "ModelError", "gone")),
        ((GONE, GONE, NO), TurnFailure(2, 3, "Unparsed", "says no")),
    ],
)
async def test_a_seat_without_a_decision_says_who_when_and_why_at_last(answers, failure) -> None:
    reply, _, asking = await asked(*answers)
    assert asking.decision(Action.UNPARSED, reply).failure == failure


async def test_a_decision_has_no_failure_even_where_no_reply_could_be_read() -> None:
    reply, _, asking = await asked(NO, NO, NO)
    assert asking.decision(Action.DEVIANT, reply).failure is None


def test_what_was_never_asked_took_nothing_and_solutions_are_kept() -> None:
    asking = Asking(Answering(), VIEW, SAMPLING)
    assert asking.decision(Action.MISSING, None) == (Action.MISSING, None, 0, 0, 0, 0.0, None, (), None)
    one = Solution("one", "simple", used_tool=False, answer="4", correct=True, cost=0.1, reply="4")
    assert asking.decision(Action.ALIGNED, "4", [one]).solutions == (one,)


def test_tools_are_there_for_whoever_solves() -> None:
    class Tools:
        """Nothing is run here."""

    tools = Tools()
    assert Asking(Answering(), VIEW, SAMPLING, tools=tools).tools is tools
    assert Asking(Answering(), VIEW, SAMPLING).tools is None
