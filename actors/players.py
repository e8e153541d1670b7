"""Players: what decides for a seat. A language model behind a client; policies are in `actors.policy_players`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from actors.decisions import SeatDecision
from actors.model_clients import Deployment, ModelClient
from actors.model_gateway import GatewayClient
from actors.problem_solver import ProblemSolver, ToolRunner
from atp_ray.actions import Action
from atp_ray.checkpoint_profiles import EndpointProfile, PolicyProfile, Profile
from atp_ray.memory import EpisodeMemory, SeatView
from atp_ray.model_calls import ReplyRequest
from atp_ray.parsing import parse_choice
from atp_ray.prompts import build_messages, merge_neighbours
from atp_ray.randomness import derive_seed
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


def make_player(
    profile: Profile,
    deployment: Deployment | None,
    tools: ToolRunner | None = None,
    gateways: Mapping[str, str] | None = None,
) -> Player:
    """Build the player of a checkpoint, inside the actor that will use it.

    Args:
        deployment: where a served model is, and `gateways` the ways there, by node.
        tools: where tool calls run.

    Raises:
        ValueError: a served model without its deployment.
    """
    # Imported here: a population is many processes, and each would pay for scipy or httpx without using it.
    if isinstance(profile, PolicyProfile):
        from actors.policy_players import FixedPlayer, QuantalPlayer

        if profile.policy == "quantal":
            return QuantalPlayer()
        return FixedPlayer(Action.DEVIANT if profile.policy == "collude" else Action.ALIGNED)
    if isinstance(profile, EndpointProfile):
        from actors.endpoint_client import EndpointClient

        return ModelPlayer(EndpointClient(profile), profile.alternate_roles, tools)
    if deployment is None or not gateways:
        raise ValueError(f"checkpoint {profile.name} is not deployed")
    return ModelPlayer(GatewayClient(deployment, gateways), profile.alternate_roles, tools)
