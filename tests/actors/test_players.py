"""Players in plain Python: what a model is asked, seat by seat, and what the analytic policies take into account."""

import numpy as np
import pytest
from support import make_spec, play, play_role_play, record_round, role_play_spec, rows_of

from actors.players import ChancePlayer, FixedPlayer, ModelPlayer
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.role_play.quantal import ViolationResponse
from atp_ray.play.actions import Action
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.model_calls import ModelReply
from atp_ray.play.prompts import build_messages
from atp_ray.play.randomness import round_generator
from atp_ray.play.rounds import observe_round
from atp_ray.play.sampling import Sampling

READABLE = ModelReply('{"choice": "share information"}', 10, 5, 0.5)
UNREADABLE = ModelReply("hm", 10, 5, 0.5)
SAMPLING = Sampling(max_tokens=96, attempts=3)


class Recorded:
    """A model that remembers its requests and answers from a list, the last entry for ever."""

    def __init__(self, *replies: ModelReply) -> None:
        self.requests, self._replies = [], list(replies)

    async def reply(self, request):
        self.requests.append(request)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


def remembered(spec, records, seats) -> EpisodeMemory:
    memory = EpisodeMemory(spec, seats)
    memory.observe([observe_round(spec, record, seats) for record in records])
    return memory


async def seeds(spec, records=(), seats=(0,), replies=(READABLE,)) -> list[int]:
    model = Recorded(*replies)
    memory = remembered(spec, records, seats)
    await ModelPlayer(model, alternate_roles=False).decide(memory, range(len(seats)), SAMPLING)
    return [request.seed for request in model.requests]


async def test_every_seat_round_attempt_episode_and_repetition_draws_from_a_seed_of_its_own() -> None:
    spec = make_spec(n=4, checkpoint="tiny")
    drawn = [
        *await seeds(spec, seats=(0, 1, 2, 3)),
        *await seeds(spec, play(spec)[:1], seats=(0, 1)),
        *(await seeds(spec, replies=(UNREADABLE,)))[1:],
        *await seeds(make_spec(n=4, checkpoint="tiny", seed=1)),
        *await seeds(make_spec(n=4, checkpoint="tiny", threshold=3)),
    ]
    assert len(drawn) == len(set(drawn)) == 10
    assert await seeds(spec, seats=(2,)) == drawn[2:3]  # whoever hosts the seat, and beside whom


async def test_a_model_is_asked_what_the_prompt_builder_makes_of_each_seats_own_memory() -> None:
    spec = make_spec(n=4, checkpoint="tiny")
    memory = remembered(spec, play(spec)[:2], (1, 3))
    model = Recorded(READABLE)
    await ModelPlayer(model, alternate_roles=False).decide(memory, (0, 1), SAMPLING, notes=("Beware.",))
    views = [memory.seat_view(index, ("Beware.",)) for index in (0, 1)]
    assert [list(request.messages) for request in model.requests] == [build_messages(view) for view in views]
    assert model.requests[0].messages != model.requests[1].messages
    assert {request.options for request in model.requests} == {spec.scenario.options}


async def test_an_unreadable_reply_is_asked_for_again_up_to_the_limit_and_all_attempts_are_counted() -> None:
    memory = remembered(make_spec(n=4, checkpoint="tiny"), (), (0,))
    (read,) = rows_of(await ModelPlayer(Recorded(UNREADABLE, READABLE), False).decide(memory, (0,), SAMPLING))
    assert (read.action, read.attempts, read.prompt_tokens, read.completion_tokens, read.latency_s) == (
        Action.DEVIANT, 2, 20, 10, 1.0,
    )  # fmt: skip
    (unread,) = rows_of(await ModelPlayer(Recorded(UNREADABLE), False).decide(memory, (0,), SAMPLING))
    assert (unread.action, unread.reply, unread.attempts, unread.failure.type) == (Action.UNPARSED, "hm", 3, "Unparsed")
    (lost,) = rows_of(await ModelPlayer(Recorded(ModelReply("", error="gone")), False).decide(memory, (0,), SAMPLING))
    assert (lost.action, lost.reply, lost.failure.message) == (Action.MISSING, None, "gone")


@pytest.mark.parametrize("hidden", [(), (1, 2)])
async def test_the_policy_responds_to_the_others_it_sees_and_not_to_itself(hidden) -> None:
    spec = make_spec(n=6, threshold=3)
    record = record_round(spec, [], [1, 1, 1, 0, 0, 0])
    memory = EpisodeMemory(spec, (0, 3))
    seen = observe_round(spec, record, (0, 3))
    public = type(seen.public)(record.round, record.decisions.action_A, record.success, None, frozenset(hidden))
    memory.observe([type(seen)(public, *[getattr(seen, name) for name in list(seen.__dataclass_fields__)[1:]])])
    others = {(): ((2, 5), (3, 5)), (1, 2): ((0, 3), (1, 3))}[hidden]
    chances = [
        QuantalResponse().collude_probability(spec.parameters, np.array([float(k)]), np.array([float(n)]), True)[0]
        for k, n in others
    ]
    draws = round_generator(spec.episode_id, spec.seed, 2).random(6)[[0, 3]]
    decisions = rows_of(await ChancePlayer().decide(memory, (0, 1), SAMPLING))
    assert chances[0] < chances[1]
    assert [d.action is Action.DEVIANT for d in decisions] == [bool(x < p) for x, p in zip(draws, chances, strict=True)]


async def test_role_play_violations_are_drawn_at_the_violation_policys_odds() -> None:
    expected, taken = [], []
    for seed in range(40):
        spec = role_play_spec(seed=seed)
        past = play_role_play(spec, [Action.DEVIANT])
        memory = remembered(spec, past, (0,))
        chance = ViolationResponse().violate_probability(memory.seat_view(0))
        expected.append(bool(round_generator(spec.episode_id, seed, 2).random(1)[0] < chance))
        (decision,) = rows_of(await ChancePlayer().decide(memory, (0,), SAMPLING))
        taken.append(decision.action is Action.DEVIANT)
    assert taken == expected
    assert len(set(expected)) == 2


async def test_fixed_players_never_change_their_minds() -> None:
    spec = make_spec(n=4)
    memory = remembered(spec, play(spec), (0, 1))
    for option, action in enumerate((Action.DEVIANT, Action.ALIGNED)):
        decisions = rows_of(await FixedPlayer(option).decide(memory, (0, 1), SAMPLING))
        assert [decision.action for decision in decisions] == [action, action]
