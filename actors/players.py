"""Players: what decides for a seat. Language models behind a client, or policies that answer whole arrays at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from actors.decisions import SeatDecision
from actors.model_clients import Deployment, EndpointClient, ModelClient, ServeClient
from actors.problem_solver import ProblemSolver, ToolRunner
from atp_ray.actions import Action, ActionArray
from atp_ray.checkpoint_profiles import EndpointProfile, PolicyProfile, Profile
from atp_ray.memory import EpisodeMemory, SeatView
from atp_ray.model_calls import ReplyRequest, decision_texts
from atp_ray.parsing import parse_choice
from atp_ray.prompts import build_messages, merge_neighbours
from atp_ray.quantal import QuantalResponse
from atp_ray.quantal_solo import ViolationResponse
from atp_ray.randomness import derive_seed, round_generator
from atp_ray.sampling import Sampling
from atp_ray.turns import TurnFailure


class Player(Protocol):
    """Decides for some of the seats a memory serves."""

    async def decide(
        self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling, notes: tuple[str, ...] = ()
    ) -> list[SeatDecision]:
        """Return one decision per index (positions in `memory.seats`), in that order.

        Args:
            notes: announcements made before this round.
        """
        ...


class ModelPlayer:
    """Asks a language model, seat by seat and all at once, and draws again while a reply has no readable decision.

    Args:
        tools: where tool calls run; needed for the tool-usage paradigm only.
    """

    def __init__(self, client: ModelClient, alternate_roles: bool, tools: ToolRunner | None = None) -> None:
        self._client = client
        self._alternate_roles = alternate_roles
        self._solver = ProblemSolver(client, tools, alternate_roles) if tools is not None else None

    async def decide(
        self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling, notes: tuple[str, ...] = ()
    ) -> list[SeatDecision]:
        """Return one decision per index."""
        views = [memory.seat_view(index, notes) for index in indices]
        if memory.spec.paradigm == "tool_usage":
            if self._solver is None:
                raise ValueError("tool usage needs a sandbox")
            return list(await asyncio.gather(*(self._solver.decide_seat(view, sampling) for view in views)))
        return list(await asyncio.gather(*(self._decide_seat(view, sampling) for view in views)))

    async def _decide_seat(self, view: SeatView, sampling: Sampling) -> SeatDecision:
        spec, options, round_number = view.spec, view.spec.scenario.options, view.round
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
                failure = TurnFailure(view.seat, round_number, answer.failure_type, answer.error)
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
    """The analytic policies for games and role-play; one array operation for all seats, the same whoever hosts them."""

    def __init__(self, policy: QuantalResponse | None = None) -> None:
        self._policy = policy or QuantalResponse()
        self._violation = ViolationResponse()

    async def decide(
        self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling, notes: tuple[str, ...] = ()
    ) -> list[SeatDecision]:
        """Return one decision per index; `sampling` and `notes` do not apply."""
        del sampling, notes
        spec = memory.spec
        seats = np.array([memory.seats[index] for index in indices])
        if spec.paradigm == "role_play":
            chance_S = np.array([self._violation.violate_probability(memory.seat_view(index)) for index in indices])
        else:
            chance_S = self._collude_probability(memory, seats)
        stream = round_generator(spec.episode_id, spec.seed, memory.known_rounds + 1)
        deviates_S = stream.random(spec.parameters.n_agents)[seats] < chance_S
        decisions = [_plain_decision(spec.scenario.options, action) for action in (Action.ALIGNED, Action.DEVIANT)]
        return [decisions[int(deviates)] for deviates in deviates_S]

    def _collude_probability(self, memory: EpisodeMemory, seats: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        parameters = memory.spec.game.parameters
        if (last := memory.last_round) is None:
            return self._policy.collude_probability(parameters)
        actions_A: ActionArray = last.public.actions_A
        seen_A = np.ones(len(actions_A), dtype=bool)
        seen_A[sorted(last.public.hidden)] = False
        deviant_A, aligned_A = (actions_A == Action.DEVIANT) & seen_A, (actions_A == Action.ALIGNED) & seen_A
        others_deviant_S = (deviant_A.sum() - deviant_A[seats]).astype(float)
        others_decided_S = others_deviant_S + (aligned_A.sum() - aligned_A[seats])
        policy = self._policy
        chance_S = policy.collude_probability(parameters, others_deviant_S, others_decided_S, last.public.success)
        if last.forgotten_S:
            chance_S = np.where(last.forgotten_S, policy.collude_probability(parameters), chance_S)
        return chance_S


class FixedPlayer:
    """Always takes the same action: the fixed colluders of the reference, and their opposite."""

    def __init__(self, action: Action) -> None:
        self._action = action

    async def decide(
        self, memory: EpisodeMemory, indices: Sequence[int], sampling: Sampling, notes: tuple[str, ...] = ()
    ) -> list[SeatDecision]:
        """Return the fixed decision for each index."""
        del sampling, notes
        return [_plain_decision(memory.spec.scenario.options, self._action)] * len(indices)


def make_player(
    profile: Profile,
    deployment: Deployment | None,
    tools: ToolRunner | None = None,
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
        return ModelPlayer(EndpointClient(profile), profile.alternate_roles, tools)
    if deployment is None:
        raise ValueError(f"checkpoint {profile.name} is not deployed")
    return ModelPlayer(ServeClient(deployment), profile.alternate_roles, tools)


def _plain_decision(options: tuple[str, str], action: Action) -> SeatDecision:
    return SeatDecision(action, decision_texts(options)[0 if action is Action.DEVIANT else 1])
