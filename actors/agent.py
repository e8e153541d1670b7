"""The agent actor: one agent, or a few packed together, each with its own memory and identity.

It imports no torch, transformers or vllm: an agent is memory and a way to ask, and processes are dear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from actors.cancelling import Caller, Callers
from actors.model_clients import TIMEOUT_S, Deployment
from actors.players import Player, fixed_players, make_player
from actors.sandboxes import SandboxClient
from actors.tokens import Tokens
from atp_ray.checkpoint.profiles import Profile
from atp_ray.play.answers import Answers, merge_answers
from atp_ray.play.asides import asides_of
from atp_ray.play.decisions import Decisions, merge_decisions
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.sampling import Sampling
from atp_ray.play.turns import MemoryGap, Turn, TurnReply

PartT = TypeVar("PartT")


@dataclass(frozen=True)
class PlayerSpec:
    """What an agent needs to play a checkpoint: its profile and, for a served model, where it is deployed.

    `timeout_s` is the longest time from a request's start in the engine to its reply, seconds.
    """

    profile: Profile
    deployment: Deployment | None = None
    timeout_s: float = TIMEOUT_S


class AgentActor:
    """Hosts the memory of one or more seats of every running episode and decides for them.

    Args:
        players: every checkpoint a seat may be played by, beside the fixed ones.
        sandboxes: names of the sandbox actors; none unless problems are solved.
        gateways: names of the gateways to served models, by node; none unless there are any.
        tokens: keys of endpoints, where this node's environment lacks them.
    """

    def __init__(
        self,
        players: Sequence[PlayerSpec],
        sandboxes: Sequence[str] = (),
        gateways: Mapping[str, str] | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        if tokens is not None:
            tokens.install()
        self._specs = {spec.profile.name: spec for spec in players}
        self._gateways = gateways or {}
        self._tools = SandboxClient(sandboxes) if sandboxes else None
        self._players: dict[str, Player] = fixed_players()
        self._memories: dict[str, EpisodeMemory] = {}
        self._callers = Callers()

    async def ready(self) -> bool:
        """Return once the actor is up."""
        return True

    async def decide(self, turns: Sequence[Turn], caller: Caller | None = None) -> list[TurnReply | MemoryGap]:
        """Decide (or answer) all `turns`, in that order; a turn whose past is not known is answered by a `MemoryGap`.

        Asking again for the same turn is harmless: the decision depends on its seed, not on the asking.

        Args:
            caller: who asks; if it dies, what was asked of models is cancelled.
        """
        answers = asyncio.gather(*(self._decide_turn(turn) for turn in turns))
        return list(await self._callers.work(caller, answers))

    async def forget(self, episode_id: str) -> None:
        """Drop the memory of a finished episode."""
        self._memories.pop(episode_id, None)

    async def _decide_turn(self, turn: Turn) -> TurnReply | MemoryGap:
        memory = self._memories.get(turn.episode_id)
        before = turn.known_before
        if turn.spec is not None:
            memory = self._memories[turn.episode_id] = EpisodeMemory(turn.spec, turn.seats, known_rounds=before)
        if memory is None or memory.seats != turn.seats:
            return MemoryGap(turn.episode_id, -1)
        if before > memory.known_rounds:
            return MemoryGap(turn.episode_id, memory.known_rounds)
        memory.observe(turn.observations, through=turn.round - 1)
        if memory.known_rounds != turn.round - 1:
            return MemoryGap(turn.episode_id, memory.known_rounds)
        asked = turn.seats if turn.asked is None else turn.asked
        if turn.phase == "decide":
            return TurnReply(turn.episode_id, turn.round, asked, await self._decide_seats(memory, turn, asked))
        return TurnReply(turn.episode_id, turn.round, asked, None, await self._answer_seats(memory, turn, asked))

    async def _decide_seats(self, memory: EpisodeMemory, turn: Turn, deciding: Sequence[int]) -> Decisions:
        parts = await self._ask_players(
            memory,
            deciding,
            lambda player, indices, sampling: player.decide(memory, indices, sampling, turn.notes, turn.talk),
        )
        return merge_decisions(len(deciding), parts)

    async def _answer_seats(self, memory: EpisodeMemory, turn: Turn, asked: Sequence[int]) -> tuple[Answers, ...]:
        asides = asides_of(memory.spec, turn.phase, turn.round)
        parts = await self._ask_players(
            memory,
            asked,
            lambda player, indices, sampling: player.answer(memory, indices, sampling, asides, turn.notes, turn.talk),
        )
        return tuple(
            merge_answers(len(asked), [(positions, answers[place]) for positions, answers in parts])
            for place in range(len(asides))
        )

    async def _ask_players(
        self,
        memory: EpisodeMemory,
        seats: Sequence[int],
        ask: Callable[[Player, Sequence[int], Sampling], Awaitable[PartT]],
    ) -> list[tuple[list[int], PartT]]:
        """Return what each checkpoint's seats among `seats` answer, with their positions in it."""
        groups = memory.spec.seat_groups
        place = {seat: index for index, seat in enumerate(memory.seats)}
        by_checkpoint: dict[str, list[int]] = {}
        for position, seat in enumerate(seats):
            by_checkpoint.setdefault(groups[seat].checkpoint, []).append(position)
        asked = [
            ask(self._player(name), [place[seats[at]] for at in positions], groups[seats[positions[0]]].sampling)
            for name, positions in by_checkpoint.items()
        ]
        return list(zip(by_checkpoint.values(), await asyncio.gather(*asked), strict=True))

    def _player(self, name: str) -> Player:
        if name not in self._players:
            spec = self._specs[name]
            self._players[name] = make_player(
                spec.profile, spec.deployment, self._tools, self._gateways, spec.timeout_s
            )
        return self._players[name]
