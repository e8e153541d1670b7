"""Players: what decides for a seat. Language models behind a client, or policies that answer whole arrays at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from actors.model_clients import Deployment, EndpointClient, ModelClient, ServeClient
from atp_ray.actions import Action, ActionArray
from atp_ray.checkpoint_profiles import EndpointProfile, ModelProfile, PolicyProfile
from atp_ray.memory import EpisodeMemory, SeatView
from atp_ray.model_calls import ReplyRequest, decision_texts
from atp_ray.parsing import parse_choice
from atp_ray.prompts import build_messages, merge_neighbours
from atp_ray.quantal import QuantalResponse
from atp_ray.randomness import derive_seed, round_generator
from atp_ray.sampling import Sampling
from atp_ray.turns import TurnFailure


class SeatDecision(NamedTuple):
    """One seat's decision and what it took; tokens and seconds are summed over all attempts."""

    action: Action
    reply: str | None
    attempts: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_s: float = float("nan")
    failure: TurnFailure | None = None


class Player(Protocol):
    """Decides for some of the seats a memory serves."""

    async def decide(self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling) -> list[SeatDecision]:
        """Return one decision per index (positions in `memory.seats`), in that order."""
        ...


class ModelPlayer:
    """Asks a language model, seat by seat and all at once, and draws again while a reply has no readable decision."""

    def __init__(self, client: ModelClient, alternate_roles: bool) -> None:
        self._client = client
        self._alternate_roles = alternate_roles

    async def decide(self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling) -> list[SeatDecision]:
        """Return one decision per index."""
        round_number = memory.known_rounds + 1
        views = (memory.seat_view(index) for index in indices)
        return list(await asyncio.gather(*(self._decide_seat(view, round_number, sampling) for view in views)))

    async def _decide_seat(self, view: SeatView, round_number: int, sampling: Sampling) -> SeatDecision:
        spec, options = view.spec, view.spec.scenario.options
        messages = build_messages(view)
        if self._alternate_roles:
            messages = merge_neighbours(messages)
        tokens_in = tokens_out = 0
        latency = 0.0
        reply: str | None = None
        failure: TurnFailure | None = None
        for attempt in range(1, sampling.attempts + 1):
            seed = derive_seed(spec.episode_id, spec.seed, round_number, view.seat, attempt)
            answer = await self._client.reply(ReplyRequest(tuple(messages), sampling, seed, options))
            tokens_in += answer.prompt_tokens
            tokens_out += answer.completion_tokens
            latency += answer.latency_s
            if answer.error is not None:
                failure = TurnFailure(view.seat, round_number, "ModelError", answer.error)
                continue
            reply = answer.text
            parsed = parse_choice(reply, options)
            if parsed.choice is not None:
                action = Action.DEVIANT if parsed.choice == options[0] else Action.ALIGNED
                return SeatDecision(action, reply, attempt, tokens_in, tokens_out, latency)
            failure = TurnFailure(view.seat, round_number, "Unparsed", str(parsed.reason))
        action = Action.MISSING if reply is None else Action.UNPARSED
        return SeatDecision(action, reply, sampling.attempts, tokens_in, tokens_out, latency, failure)


class QuantalPlayer:
    """The analytic quantal-response policy; one array operation for all seats, the same draw whoever hosts a seat."""

    def __init__(self, policy: QuantalResponse | None = None) -> None:
        self._policy = policy or QuantalResponse()

    async def decide(self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling) -> list[SeatDecision]:
        """Return one decision per index; `sampling` does not apply."""
        del sampling
        spec = memory.spec
        seats = np.array([memory.seats[index] for index in indices])
        if (last := memory.last_round) is None:
            chance_S = self._policy.collude_probability(spec.parameters)
        else:
            actions_A: ActionArray = last.public.actions_A
            deviant_A, aligned_A = actions_A == Action.DEVIANT, actions_A == Action.ALIGNED
            others_deviant_S = (deviant_A.sum() - deviant_A[seats]).astype(float)
            others_decided_S = others_deviant_S + (aligned_A.sum() - aligned_A[seats])
            success = last.public.success
            chance_S = self._policy.collude_probability(spec.parameters, others_deviant_S, others_decided_S, success)
        stream = round_generator(spec.episode_id, spec.seed, memory.known_rounds + 1)
        colludes_S = stream.random(spec.parameters.n_agents)[seats] < chance_S
        decisions = [_plain_decision(spec.scenario.options, action) for action in (Action.ALIGNED, Action.DEVIANT)]
        return [decisions[int(colludes)] for colludes in colludes_S]


class FixedPlayer:
    """Always takes the same action: the fixed colluders of the reference, and their opposite."""

    def __init__(self, action: Action) -> None:
        self._action = action

    async def decide(self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling) -> list[SeatDecision]:
        """Return the fixed decision for each index."""
        del sampling
        return [_plain_decision(memory.spec.scenario.options, self._action)] * len(indices)


def make_player(
    profile: ModelProfile | EndpointProfile | PolicyProfile, deployment: Deployment | None
) -> ModelPlayer | QuantalPlayer | FixedPlayer:
    """Build the player of a checkpoint, inside the actor that will use it.

    Raises:
        ValueError: a served model without its deployment.
    """
    if isinstance(profile, PolicyProfile):
        if profile.policy == "quantal":
            return QuantalPlayer()
        return FixedPlayer(Action.DEVIANT if profile.policy == "collude" else Action.ALIGNED)
    if isinstance(profile, EndpointProfile):
        return ModelPlayer(EndpointClient(profile), profile.alternate_roles)
    if deployment is None:
        raise ValueError(f"checkpoint {profile.name} is not deployed")
    return ModelPlayer(ServeClient(deployment), profile.alternate_roles)


def _plain_decision(options: tuple[str, str], action: Action) -> SeatDecision:
    return SeatDecision(action, decision_texts(options)[0 if action is Action.DEVIANT else 1])
