"""An episode played without a model: real prompts, stand-ins for the replies, and what it would ask of each checkpoint.

Two seats of each checkpoint are played and stand for its others. Once the window of remembered rounds is full, prompts
no longer grow, so the last round played stands for those that follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from atp_ray.checkpoint.profiles import ModelProfile, Profile
from atp_ray.costs.tokens import CHARACTERS_PER_TOKEN, TokenCounter
from atp_ray.costs.usage import Usage
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.stand_in import StandIn
from atp_ray.play.actions import Action
from atp_ray.play.asking import Asking
from atp_ray.play.decisions import Decisions, SeatDecision, as_columns, merge_decisions
from atp_ray.play.episodes import FIXED_COLLUDER, EpisodeSpec, SeatGroup
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.model_calls import ModelReply, ReplyRequest, decision_texts
from atp_ray.play.randomness import derive_seed
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round
from atp_ray.play.sampling import Sampling
from atp_ray.sandbox.results import ToolResult

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

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the stand-in's reply with the tokens that the model's would take."""
        assert self.view is not None
        counter, sampling = self.cast.counter, request.sampling
        words = self._stand_in.reply(self.view, request.messages)
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

    Rounds are as many as the window holds and one more, or the episode's if it has fewer; those that follow are as the
    last of them.
    """
    environment, played = paradigm(spec.paradigm).environment, _seats_played(spec)
    asked, spec = partial(environment.asked, spec), environment.rehearsed(spec)
    seats = [seat for group_seats in played for seat in group_seats]
    actors = [_actor(spec, seat, casts, seed) for seat in seats]
    memory, settled = EpisodeMemory(spec, seats), list[RoundRecord]()
    n_rounds = min(spec.rounds, spec.history_window + 1)
    # Requests, prompt and completion tokens of each round, summed over the seats that each seat played stands for.
    sums = {group.checkpoint: np.zeros((n_rounds, 3)) for group in spec.seats if group.checkpoint in casts}
    for number in range(1, n_rounds + 1):
        rows = [await _decide(memory, index, actor) for index, actor in enumerate(actors)]
        asked_A = asked(number)
        for group, group_seats in zip(spec.seats, played, strict=True):
            if group.checkpoint in casts:
                # Where only some are asked in a round, each on average that often.
                share = group.count / len(group_seats) * (1.0 if asked_A is None else float(asked_A.mean()))
                for row in (rows[seats.index(seat)] for seat in group_seats):
                    took = (row.attempts, row.prompt_tokens, row.completion_tokens)
                    sums[group.checkpoint][number - 1] += share * np.array(took)
        if number < n_rounds:
            settled.append(settle_round(spec, settled, _everyone(spec, played, seats, rows)))
            memory.observe([observe_round(spec, settled[-1], seats)])
    return {name: [Usage(*map(round, row)) for row in table.tolist()] for name, table in sums.items()}


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


async def _decide(memory: EpisodeMemory, index: int, actor: _Rehearsed | None) -> SeatDecision:
    spec = memory.spec
    group: SeatGroup = spec.seat_groups[memory.seats[index]]
    if actor is None:
        action = Action.DEVIANT if group.checkpoint == FIXED_COLLUDER else Action.ALIGNED
        texts, option = decision_texts(spec.scenario.options), int(action is Action.ALIGNED)
        return SeatDecision(action, texts[option], attempts=0, option=option if len(texts) > 2 else None)
    actor.view = memory.seat_view(index)
    alternate = bool(getattr(actor.cast.profile, "alternate_roles", False))
    asking = Asking(actor, actor.view, group.sampling, alternate_roles=alternate, tools=actor)
    return await paradigm(spec.paradigm).environment.decide(actor.view, asking)


def _everyone(
    spec: EpisodeSpec, played: Sequence[Sequence[int]], seats: Sequence[int], rows: Sequence[SeatDecision]
) -> Decisions:
    """Return the decisions of all seats: those that were not played do in turn what the played ones of theirs do."""
    every = [
        rows[seats.index(group_seats[place % len(group_seats)])]
        for group, group_seats in zip(spec.seats, played, strict=True)
        for place in range(group.count)
    ]
    return merge_decisions(len(every), [(range(len(every)), as_columns(every))])
