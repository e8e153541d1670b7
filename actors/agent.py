"""The agent actor: one agent, or a few packed together, each with its own memory and identity.

It imports no torch, transformers or vllm: an agent is memory and a way to ask, and processes are dear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from actors.decisions import SeatDecision
from actors.model_clients import Deployment
from actors.players import Player, make_player
from actors.sandboxes import SandboxClient
from atp_ray.checkpoint_profiles import Profile
from atp_ray.memory import EpisodeMemory
from atp_ray.turns import MemoryGap, Turn, TurnReply


@dataclass(frozen=True)
class PlayerSpec:
    """What an agent needs to play a checkpoint: its profile and, for a served model, where it is deployed."""

    profile: Profile
    deployment: Deployment | None = None


class AgentActor:
    """Hosts the memory of one or more seats of every running episode and decides for them.

    Args:
        players: every checkpoint a seat may be played by.
        sandboxes: names of the sandbox actors; none unless problems are solved.
        gateways: names of the gateways to served models, by node; none unless there are any.
    """

    def __init__(
        self, players: Sequence[PlayerSpec], sandboxes: Sequence[str] = (), gateways: Mapping[str, str] | None = None
    ) -> None:
        self._specs = {spec.profile.name: spec for spec in players}
        self._gateways = gateways or {}
        self._tools = SandboxClient(sandboxes) if sandboxes else None
        self._players: dict[str, Player] = {}
        self._memories: dict[str, EpisodeMemory] = {}

    async def ready(self) -> bool:
        """Return once the actor is up."""
        return True

    async def decide(self, turns: Sequence[Turn]) -> list[TurnReply | MemoryGap]:
        """Decide all `turns`, in that order; a turn whose past is not known is answered by a `MemoryGap`.

        Asking again for the same turn is harmless: the decision depends on its seed, not on the asking.
        """
        return list(await asyncio.gather(*(self._decide_turn(turn) for turn in turns)))

    async def forget(self, episode_id: str) -> None:
        """Drop the memory of a finished episode."""
        self._memories.pop(episode_id, None)

    async def _decide_turn(self, turn: Turn) -> TurnReply | MemoryGap:
        memory = self._memories.get(turn.episode_id)
        first = turn.observations[0].public.round if turn.observations else turn.round
        if turn.spec is not None:
            memory = self._memories[turn.episode_id] = EpisodeMemory(turn.spec, turn.seats, known_rounds=first - 1)
        if memory is None or memory.seats != turn.seats:
            return MemoryGap(turn.episode_id, -1)
        if first > memory.known_rounds + 1:
            return MemoryGap(turn.episode_id, memory.known_rounds)
        memory.observe(turn.observations)
        if memory.known_rounds != turn.round - 1:
            return MemoryGap(turn.episode_id, memory.known_rounds)
        return _as_columns(turn, await self._decide_seats(memory, turn.notes))

    async def _decide_seats(self, memory: EpisodeMemory, notes: tuple[str, ...]) -> list[SeatDecision]:
        groups = memory.spec.seat_groups
        by_checkpoint: dict[str, list[int]] = {}
        for index, seat in enumerate(memory.seats):
            by_checkpoint.setdefault(groups[seat].checkpoint, []).append(index)
        asked = [
            self._player(name).decide(memory, indices, groups[memory.seats[indices[0]]].sampling, notes)
            for name, indices in by_checkpoint.items()
        ]
        decisions: dict[int, SeatDecision] = {}
        for indices, answers in zip(by_checkpoint.values(), await asyncio.gather(*asked), strict=True):
            decisions.update(zip(indices, answers, strict=True))
        return [decisions[index] for index in range(len(memory.seats))]

    def _player(self, name: str) -> Player:
        if name not in self._players:
            spec = self._specs[name]
            self._players[name] = make_player(spec.profile, spec.deployment, self._tools, self._gateways)
        return self._players[name]


def _as_columns(turn: Turn, decisions: Sequence[SeatDecision]) -> TurnReply:
    return TurnReply(
        episode_id=turn.episode_id,
        round=turn.round,
        seats=turn.seats,
        action_S=np.array([decision.action for decision in decisions], dtype=np.int8),
        reply_S=tuple(decision.reply for decision in decisions),
        attempts_S=np.array([decision.attempts for decision in decisions]),
        prompt_tokens_S=np.array([decision.prompt_tokens for decision in decisions]),
        completion_tokens_S=np.array([decision.completion_tokens for decision in decisions]),
        latency_S=np.array([decision.latency_s for decision in decisions]),
        failures=tuple(
            decision.failure._replace(seat=seat)
            for seat, decision in zip(turn.seats, decisions, strict=True)
            if decision.failure is not None
        ),
        solutions_S=tuple(decision.solutions for decision in decisions) if any(d.solutions for d in decisions) else (),
    )
