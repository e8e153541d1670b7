"""Players: what decides for some of an actor's seats. A language model, or a policy without one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from actors.model_clients import TIMEOUT_S, Deployment
from actors.model_gateway import GatewayClient
from atp_ray.checkpoint.profiles import EndpointProfile, FittedProfile, PolicyProfile, Profile
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.responding import FittedRun
from atp_ray.play.actions import ActionArray
from atp_ray.play.answers import Answers, answer_columns, no_answers
from atp_ray.play.asides import Aside, answer_aside
from atp_ray.play.asking import Asking, ModelClient, ToolRunner
from atp_ray.play.capital import FloatArray
from atp_ray.play.chances import options_drawn
from atp_ray.play.decisions import Decisions, actions_of, as_columns, plain_decisions
from atp_ray.play.episodes import FIXED_COLLUDER, FIXED_REFUSER
from atp_ray.play.memory import EpisodeMemory, SeatView
from atp_ray.play.model_calls import decision_texts
from atp_ray.play.randomness import round_generator
from atp_ray.play.sampling import Sampling
from atp_ray.play.turns import Talk


class Player(Protocol):
    """Decides for some of the seats a memory serves."""

    async def decide(
        self,
        memory: EpisodeMemory,
        indices: Sequence[int],
        sampling: Sampling,
        notes: tuple[str, ...] = (),
        talk: Talk | None = None,
    ) -> Decisions:
        """Return the decisions of the seats at `indices` (positions in `memory.seats`), in that order.

        Args:
            notes: announcements made before this round.
            talk: what was said in this round, where there was a message phase.
        """
        ...

    async def answer(
        self,
        memory: EpisodeMemory,
        indices: Sequence[int],
        sampling: Sampling,
        asides: Sequence[Aside],
        notes: tuple[str, ...] = (),
        talk: Talk | None = None,
    ) -> tuple[Answers, ...]:
        """Return what the seats answer to each of `asides`; the other arguments are those of `decide`."""
        ...


class ModelPlayer:
    """Asks a language model, seat by seat and all at once.

    Args:
        tools: where tool calls run; needed where tools are used only.
    """

    def __init__(self, client: ModelClient, alternate_roles: bool, tools: ToolRunner | None = None) -> None:
        self._client = client
        self._alternate_roles = alternate_roles
        self._tools = tools

    async def decide(
        self,
        memory: EpisodeMemory,
        indices: Sequence[int],
        sampling: Sampling,
        notes: tuple[str, ...] = (),
        talk: Talk | None = None,
    ) -> Decisions:
        """Return what the model decides for each index."""
        environment = paradigm(memory.spec.paradigm).environment
        views = [memory.seat_view(index, notes, talk) for index in indices]
        asked = [environment.decide(view, self._asking(view, sampling)) for view in views]
        return as_columns(await asyncio.gather(*asked))

    async def answer(
        self,
        memory: EpisodeMemory,
        indices: Sequence[int],
        sampling: Sampling,
        asides: Sequence[Aside],
        notes: tuple[str, ...] = (),
        talk: Talk | None = None,
    ) -> tuple[Answers, ...]:
        """Return what the model answers for each index, every question in a conversation of its own."""
        views = [memory.seat_view(index, notes, talk) for index in indices]
        asked = [answer_aside(view, self._asking(view, sampling), aside) for aside in asides for view in views]
        rows = await asyncio.gather(*asked)
        n = len(views)
        return tuple(answer_columns(rows[place * n : (place + 1) * n]) for place in range(len(asides)))

    def _asking(self, view: SeatView, sampling: Sampling) -> Asking:
        return Asking(self._client, view, sampling, alternate_roles=self._alternate_roles, tools=self._tools)


class SilentPlayer:
    """What all players without a model have in common: they say nothing and answer nothing."""

    async def answer(
        self,
        memory: EpisodeMemory,
        indices: Sequence[int],
        sampling: Sampling,
        asides: Sequence[Aside],
        notes: tuple[str, ...] = (),
        talk: Talk | None = None,
    ) -> tuple[Answers, ...]:
        """Return no answer for each index."""
        del memory, sampling, notes, talk
        return tuple(no_answers(len(indices)) for _ in asides)


class ChancePlayer(SilentPlayer):
    """A policy that is a probability: one array operation for all seats, the same whoever hosts them.

    Args:
        response: the fitted response to play, None for the analytic policy of each paradigm.
    """

    def __init__(self, response: FittedProfile | None = None) -> None:
        self._profile = response
        self._fitted: FittedRun | None = None

    async def decide(
        self,
        memory: EpisodeMemory,
        indices: Sequence[int],
        sampling: Sampling,
        notes: tuple[str, ...] = (),
        talk: Talk | None = None,
    ) -> Decisions:
        """Return what the policy decides for each index; it heeds neither `sampling` nor what is announced or said."""
        del sampling, notes, talk
        spec = memory.spec
        seats = np.array([memory.seats[index] for index in indices])
        chance_SK = self._chances(memory, indices)
        stream = round_generator(spec.episode_id, spec.seed, memory.known_rounds + 1)
        option_S = options_drawn(chance_SK, stream.random(spec.parameters.n_agents)[seats])
        return _policy_decisions(spec.scenario.options, option_S)

    def _chances(self, memory: EpisodeMemory, indices: Sequence[int]) -> FloatArray:
        room = paradigm(memory.spec.paradigm)
        if self._profile is None:
            return room.environment.option_chances(memory, indices)
        if self._fitted is None:
            self._fitted = room.responding.read(self._profile.response, self._profile.name)
        return room.responding.option_chances(self._fitted, memory, indices)


class FixedPlayer(SilentPlayer):
    """Always takes the same option: 0 for the fixed colluders of the reference, 1 for their opposite."""

    def __init__(self, option: int) -> None:
        self._option = option

    async def decide(
        self,
        memory: EpisodeMemory,
        indices: Sequence[int],
        sampling: Sampling,
        notes: tuple[str, ...] = (),
        talk: Talk | None = None,
    ) -> Decisions:
        """Return the fixed decision for each index."""
        del sampling, notes, talk
        return _policy_decisions(memory.spec.scenario.options, np.full(len(indices), self._option, dtype=np.int8))


def fixed_players() -> dict[str, Player]:
    """Return the players of fixed seats by name; a paradigm puts them into episodes whose checkpoints are others."""
    return {FIXED_COLLUDER: FixedPlayer(0), FIXED_REFUSER: FixedPlayer(1)}


def make_player(
    profile: Profile,
    deployment: Deployment | None,
    tools: ToolRunner | None = None,
    gateways: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Player:
    """Build the player of a checkpoint, inside the actor that will use it.

    Args:
        deployment: where a served model is, and `gateways` the ways there, by node.
        tools: where tool calls run.
        timeout_s: longest time from a request's start in the engine to its reply, seconds.

    Raises:
        ValueError: a served model without its deployment.
    """
    if isinstance(profile, PolicyProfile):
        return fixed_players().get(profile.name) or ChancePlayer()
    if isinstance(profile, FittedProfile):
        return ChancePlayer(profile)
    if isinstance(profile, EndpointProfile):
        # Imported here: a population is many processes, and each would pay for httpx without using it.
        from actors.endpoint_client import EndpointClient

        return ModelPlayer(EndpointClient(profile, timeout_s), profile.alternate_roles, tools)
    if deployment is None or not gateways:
        raise ValueError(f"checkpoint {profile.name} is not deployed")
    return ModelPlayer(GatewayClient(deployment, gateways, timeout_s), profile.alternate_roles, tools)


def _policy_decisions(options: Sequence[str], option_A: ActionArray) -> Decisions:
    texts = decision_texts(options)
    replies = [texts[option] for option in option_A.tolist()]
    told = option_A if len(options) > 2 else None
    return plain_decisions(actions_of(option_A), replies, attempts=1, option_A=told)
