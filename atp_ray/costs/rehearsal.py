"""An episode played without a model: real prompts, stand-ins for the replies, and what it would ask of each checkpoint.

Two seats of each checkpoint are played and stand for its others. Once the window of remembered rounds is full, prompts
no longer grow, so the last round played stands for those that follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from atp_ray.checkpoint.profiles import ModelProfile, Profile
from atp_ray.costs.tokens import CHARACTERS_PER_TOKEN, TokenCounter
from atp_ray.costs.usage import Usage
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.play.actions import Action
from atp_ray.play.answers import SeatAnswer, answer_columns, with_talk
from atp_ray.play.asides import Aside, answer_aside, asides_of
from atp_ray.play.asking import Asking
from atp_ray.play.capital import FloatArray
from atp_ray.play.decisions import COUNTS, SeatDecision, as_columns, merge_decisions
from atp_ray.play.episodes import FIXED_COLLUDER, EpisodeSpec, SeatGroup
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.model_calls import ModelReply, ReplyRequest, decision_texts
from atp_ray.play.randomness import derive_seed
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.play.sampling import Sampling
from atp_ray.play.turns import Talk
from atp_ray.sandbox.results import ToolResult

RowT = TypeVar("RowT")
SEATS_PLAYED = 2  # of each group of seats
ASSUMED_SHARE = 0.25  # of max_tokens, for a reply of a model nobody has told about
FILLER = "I weigh what the others may do, what it pays and what it costs. "


@dataclass(frozen=True)
class Cast:
    """How one checkpoint is rehearsed: its profile, what counts its tokens, and how long its replies are."""

    profile: Profile
    counter: TokenCounter

    @property
    def taught(self) -> bool:
        """Whether it replies as the small checkpoint's teacher does."""
        return isinstance(self.profile, ModelProfile) and self.profile.embedded

    def reply_tokens(self, sampling: Sampling) -> int | None:
        """Return the tokens a reply is taken to have, None where the stand-in's own words are as long."""
        told = getattr(self.profile, "usual_reply_tokens", None)
        if told is not None:
            return min(int(told), sampling.max_tokens)
        if self.taught or sampling.structured:
            return None
        return max(1, round(ASSUMED_SHARE * sampling.max_tokens))

    def says(self, sampling: Sampling) -> str:
        """Return how long replies are taken to be, for the reader of an estimate."""
        if getattr(self.profile, "usual_reply_tokens", None) is not None:
            return "replies as long as its profile says"
        if self.taught:
            return "replies as its teacher's"
        return "the decision alone" if sampling.structured else f"replies of {ASSUMED_SHARE:g} of max_tokens (assumed)"


class _Rehearsed:
    """One seat's model and tool: the stand-in's words, counted."""

    def __init__(self, cast: Cast, stand_in: StandIn) -> None:
        self.cast = cast
        self._stand_in = stand_in
        self.view: SeatView | None = None
        self.aside: Aside | None = None  # what is asked, where it is no decision

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the stand-in's reply with the tokens that the model's would take."""
        assert self.view is not None
        counter, sampling = self.cast.counter, request.sampling
        aside = self.aside
        words = self._stand_in.reply(self.view, request.messages) if aside is None else aside.example
        tokens = self.cast.reply_tokens(sampling)
        if tokens is None:
            tokens = counter.text(words) + (not words.endswith(request.stop or ("\0",)))  # the token that ends a reply
        elif not sampling.thinking:  # thinking is not shown again, all else is
            words = (FILLER * (tokens * CHARACTERS_PER_TOKEN // len(FILLER))) + words
        return ModelReply(words, counter.prompt(request.messages), tokens)

    async def run(self, session: str, code: str) -> ToolResult:
        """Return what the stand-in's program prints."""
        del session, code
        return ToolResult("ok", self._stand_in.output, 0.0, False)

    async def end(self, session: str) -> None:
        """Forget nothing: there is nothing."""


async def rehearse(spec: EpisodeSpec, casts: Mapping[str, Cast], seed: int = 0) -> dict[str, list[Usage]]:
    """Return what each round of an episode is expected to ask of each checkpoint of `casts`.

    Rounds are as many as the window holds and one more, and one more than the last with probes of its own, or the
    episode's if it has fewer; those that follow are as the last of them.
    """
    environment, played = paradigm(spec.paradigm).environment, _seats_played(spec)
    asked, spec = partial(environment.asked, spec), environment.rehearsed(spec)
    seats = [seat for group_seats in played for seat in group_seats]
    actors = [_actor(spec, seat, casts, seed) for seat in seats]
    memory, settled = EpisodeMemory(spec, seats), list[RoundRecord]()
    n_rounds = min(spec.rounds, spec.history_window + 1)
    # Requests, prompt and completion tokens of each round, summed over the seats that each seat played stands for.
    sums = {group.checkpoint: np.zeros((n_rounds, 3)) for group in spec.seats if group.checkpoint in casts}
    probe_sums = {name: np.zeros((n_rounds, 3)) for name in sums}
    for number in range(1, n_rounds + 1):
        said = await _answer(memory, actors, asides_of(spec, "say", number), None)
        every_said = answer_columns(_everyone(spec, played, seats, said)) if spec.talk else None
        talk = None if every_said is None else Talk(every_said.text_A)
        # In every round: those that follow may have them where these have none.
        with_probes = spec.probe_rounds[0] if spec.probe_rounds else number
        probed = await _answer(memory, actors, asides_of(spec, "probe", with_probes), talk)
        rows = [await _decide(memory, index, actor, talk) for index, actor in enumerate(actors)]
        asked_A = asked(number)
        for group, group_seats in zip(spec.seats, played, strict=True):
            if group.checkpoint in casts:
                # Where only some are asked in a round, each on average that often.
                share = group.count / len(group_seats) * (1.0 if asked_A is None else float(asked_A.mean()))
                for place in map(seats.index, group_seats):
                    sums[group.checkpoint][number - 1] += share * (_took(rows[place]) + _took(said[place]))
                    probe_sums[group.checkpoint][number - 1] += share * _took(probed[place])
        if number < n_rounds:
            every = _everyone(spec, played, seats, rows)
            decisions = merge_decisions(len(every), [(range(len(every)), as_columns(every))])
            decisions = decisions if every_said is None else with_talk(decisions, every_said)
            settled.append(settle_round(spec, settled, decisions))
            memory.observe([observe_round(spec, settled[-1], seats)])
    told = range(1, min(spec.rounds, max(n_rounds, *spec.probe_rounds, 0) + bool(spec.probe_rounds)) + 1)
    return {
        name: [
            Usage(*map(round, table[place] + (probe_sums[name][place] if spec.probes_at(number) else 0)))
            for number in told
            for place in [min(number, n_rounds) - 1]
        ]
        for name, table in sums.items()
    }


def _seats_played(spec: EpisodeSpec) -> list[tuple[int, ...]]:
    """Return the seats that are played of each group: its first ones."""
    first, played = 0, []
    for group in spec.seats:
        played.append(tuple(range(first, first + min(SEATS_PLAYED, group.count))))
        first += group.count
    return played


def _actor(spec: EpisodeSpec, seat: int, casts: Mapping[str, Cast], seed: int) -> _Rehearsed | None:
    """Return what plays a seat, None for a policy, which is asked nothing: fixed colluders collude, others do not."""
    cast = casts.get(spec.seat_groups[seat].checkpoint)
    if cast is None:
        return None
    drawn = derive_seed("rehearsal", spec.episode_id, seat, seed)
    return _Rehearsed(cast, paradigm(spec.paradigm).teaching.stand_in(drawn, cast.taught))


async def _decide(memory: EpisodeMemory, index: int, actor: _Rehearsed | None, talk: Talk | None) -> SeatDecision:
    spec = memory.spec
    group: SeatGroup = spec.seat_groups[memory.seats[index]]
    if actor is None:
        action = Action.DEVIANT if group.checkpoint == FIXED_COLLUDER else Action.ALIGNED
        texts, option = decision_texts(spec.scenario.options), int(action is Action.ALIGNED)
        return SeatDecision(action, texts[option], attempts=0, option=option if len(texts) > 2 else None)
    view = memory.seat_view(index, talk=talk)
    return await paradigm(spec.paradigm).environment.decide(view, _asking(actor, view, group.sampling))


async def _answer(
    memory: EpisodeMemory, actors: Sequence[_Rehearsed | None], asides: Sequence[Aside], talk: Talk | None
) -> list[SeatAnswer]:
    """Return what each seat played answers to the last of some questions, with what all of them took."""
    answered = []
    for index, actor in enumerate(actors):
        view, whole = memory.seat_view(index, talk=talk), SeatAnswer(None)
        for aside in asides if actor is not None else ():
            assert actor is not None
            asking = _asking(actor, view, memory.spec.seat_groups[view.seat].sampling, aside)
            answer = await answer_aside(view, asking, aside)
            whole = answer._replace(**{name: getattr(whole, name) + getattr(answer, name) for name in COUNTS})
        answered.append(whole)
    return answered


def _asking(actor: _Rehearsed, view: SeatView, sampling: Sampling, aside: Aside | None = None) -> Asking:
    actor.view, actor.aside = view, aside
    alternate = bool(getattr(actor.cast.profile, "alternate_roles", False))
    return Asking(actor, view, sampling, alternate_roles=alternate, tools=actor)


def _took(row: SeatDecision | SeatAnswer) -> FloatArray:
    return np.array([getattr(row, name) for name in COUNTS], dtype=float)


def _everyone(
    spec: EpisodeSpec, played: Sequence[Sequence[int]], seats: Sequence[int], rows: Sequence[RowT]
) -> list[RowT]:
    """Return what all seats do: those that were not played do in turn what the played ones of theirs do."""
    return [
        rows[seats.index(group_seats[place % len(group_seats)])]
        for group, group_seats in zip(spec.seats, played, strict=True)
        for place in range(group.count)
    ]
