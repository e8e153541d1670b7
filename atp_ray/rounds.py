"""From replies to a settled round, and from a settled round to what each seat observes. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from atp_ray.actions import Action, ActionArray
from atp_ray.environments.interface import PlayedRound
from atp_ray.environments.registry import ENVIRONMENTS
from atp_ray.episodes import EpisodeSpec
from atp_ray.parsing import visible_reply
from atp_ray.problems import Solution
from atp_ray.storage.records import FloatArray, IntArray, RoundRecord
from atp_ray.turns import Observation, PublicRound, Turn, TurnFailure, TurnReply


class Decisions(NamedTuple):
    """What all seats of an episode did in one round, columns over seats; seats that were not heard are `missing`."""

    action_A: ActionArray
    reply_A: tuple[str | None, ...]
    attempts_A: IntArray
    prompt_tokens_A: IntArray
    completion_tokens_A: IntArray
    latency_A: FloatArray
    failures: tuple[TurnFailure, ...] = ()
    solutions_A: tuple[tuple[Solution, ...], ...] = ()


def merge_replies(n_agents: int, replies: Sequence[TurnReply], failures: Sequence[TurnFailure] = ()) -> Decisions:
    """Put the hosts' replies together by seat; `failures` say why the seats of a silent host are missing."""
    action_A = np.full(n_agents, Action.MISSING, dtype=np.int8)
    reply_A: list[str | None] = [None] * n_agents
    counts = np.zeros((3, n_agents), dtype=np.int64)
    latency_A = np.full(n_agents, np.nan)
    noted = list(failures)
    solutions_A: list[tuple[Solution, ...]] = [()] * n_agents
    for reply in replies:
        seats = np.array(reply.seats)
        action_A[seats] = reply.action_S
        counts[:, seats] = (reply.attempts_S, reply.prompt_tokens_S, reply.completion_tokens_S)
        latency_A[seats] = reply.latency_S
        for seat, text in zip(reply.seats, reply.reply_S, strict=True):
            reply_A[seat] = text
        noted += reply.failures
        for seat, solved in zip(reply.seats, reply.solutions_S, strict=False):
            solutions_A[seat] = solved
    noted.sort(key=lambda failure: failure.seat)
    solved_A = tuple(solutions_A) if any(solutions_A) else ()
    return Decisions(action_A, tuple(reply_A), counts[0], counts[1], counts[2], latency_A, tuple(noted), solved_A)


def settle_round(spec: EpisodeSpec, settled: Sequence[RoundRecord], decisions: Decisions) -> RoundRecord:
    """Settle the round that follows `settled` (the episode's rounds so far, oldest first)."""
    before = settled[-1].capital_after if settled else None
    played = PlayedRound(len(settled) + 1, decisions.action_A, decisions.solutions_A, before)
    outcome = ENVIRONMENTS[spec.paradigm].settle(spec, played)
    return RoundRecord(
        episode_id=spec.episode_id,
        round=played.number,
        action_A=decisions.action_A,
        reply_A=decisions.reply_A,
        attempts_A=decisions.attempts_A,
        prompt_tokens_A=decisions.prompt_tokens_A,
        completion_tokens_A=decisions.completion_tokens_A,
        latency_A=decisions.latency_A,
        reward_A=outcome.reward_A,
        capital_before_A=outcome.before.value_A,
        capital_after=outcome.after,
        success=outcome.success,
        failures=decisions.failures,
        solutions_A=decisions.solutions_A,
    )


def observe_round(spec: EpisodeSpec, record: RoundRecord, seats: Sequence[int]) -> Observation:
    """Return what `seats` experienced of a settled round; others' replies travel only if the visibility shows them."""
    shown = tuple(_shown(text) for text in record.reply_A) if spec.visibility == "replies" else None
    public = PublicRound(record.round, record.action_A, record.success, shown)
    index = np.array(seats)
    return Observation(
        public,
        tuple(_shown(record.reply_A[seat]) for seat in seats),
        record.capital_before_A[index],
        record.capital_after.value_A[index],
        tuple(record.solutions_A[seat] for seat in seats) if record.solutions_A else (),
    )


def next_turn(spec: EpisodeSpec, settled: Sequence[RoundRecord], seats: tuple[int, ...], *, whole: bool) -> Turn:
    """Return the request that asks `seats` for the round after `settled`.

    Args:
        whole: tell a host that knows nothing, or not enough: the specification and every round of the window. Otherwise
            the last round is all that is new.
    """
    told = settled[-spec.history_window :] if whole else settled[-1:]
    observations = tuple(observe_round(spec, record, seats) for record in told)
    return Turn(spec.episode_id, len(settled) + 1, seats, observations, spec if whole else None)


def _shown(reply: str | None) -> str | None:
    return visible_reply(reply) if reply is not None else None
