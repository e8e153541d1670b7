"""One round of one episode asked of all its hosts: turns out, replies merged, gaps in a host's memory filled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from actors.failure_policy import FailurePolicy
from actors.host_client import HostClient
from actors.population import Hosting, Population
from atp_ray.errors import EngineError
from atp_ray.play.actions import Action
from atp_ray.play.decisions import BoolArray, Decisions, TurnFailure, merge_decisions
from atp_ray.play.rounds import asked_of
from atp_ray.play.turns import MemoryGap, Turn, TurnReply


class TurnMaker(Protocol):
    """From the seats a host serves, and whether it needs the whole window, to the turn that asks them."""

    def __call__(self, seats: tuple[int, ...], /, *, whole: bool) -> Turn:
        """Return the turn."""
        ...


class RoundPlayer:
    """Asks the hosts of a population.

    Args:
        coalesce: turns sent in one call to a host; above 1 pays when decisions are quick.
    """

    def __init__(self, population: Population, policy: FailurePolicy, coalesce: int = 1) -> None:
        self._population = population
        self._hosts = [HostClient(actor, policy, coalesce) for actor in population.actors()]

    def hostings(self, n_agents: int, first_agent: int = 0) -> list[Hosting]:
        """Return which host serves which seats of an episode, as `Population.hostings`."""
        return self._population.hostings(n_agents, first_agent)

    async def decide(
        self,
        n_agents: int,
        hostings: Sequence[Hosting],
        turn: TurnMaker,
        *,
        whole: bool,
        asked_A: BoolArray | None = None,
        on_answer: Callable[[Sequence[int]], None] = lambda _: None,
    ) -> Decisions:
        """Return what all seats decide; those that are not asked are missing.

        Args:
            whole: whether hosts are sent the whole window at once; otherwise only those that ask for it.
            asked_A: which seats decide, None for all.
            on_answer: told which seats have answered, as each host does.

        Raises:
            EngineError: nobody could decide, and the reason is not one agent's own prompt.
        """

        async def answer(hosting: Hosting) -> TurnReply | list[TurnFailure]:
            answered = await self._ask(hosting, turn, whole, asked_A)
            on_answer(hosting.seats)
            return answered

        wanted = [hosting for hosting in hostings if asked_of(hosting.seats, asked_A) != ()]
        asked = [asyncio.create_task(answer(hosting)) for hosting in wanted]
        try:
            answers = await asyncio.gather(*asked)
        finally:
            for task in asked:
                task.cancel()  # where one raised, nobody waits for the others
        replies = [answer for answer in answers if isinstance(answer, TurnReply)]
        failures = [failure for answer in answers if not isinstance(answer, TurnReply) for failure in answer]
        parts = [(reply.seats, reply.decisions) for reply in replies]
        decisions = merge_decisions(n_agents, parts, failures)
        if _engine_gone(decisions, asked_A):
            reason = decisions.failures[0].message if decisions.failures else "no reason was given"
            hint = "The rounds settled so far are kept; continue with --resume once the engine answers"
            number = decisions.failures[0].round if decisions.failures else 0
            raise EngineError(f"no agent could decide in round {number}: {reason}", hint=hint)
        return decisions

    def forget(self, episode_id: str, hostings: Sequence[Hosting]) -> None:
        """Tell the hosts that an episode is over."""
        for hosting in hostings:
            self._hosts[hosting.host].forget(episode_id)

    async def _ask(
        self, hosting: Hosting, turn: TurnMaker, whole: bool, asked_A: BoolArray | None
    ) -> TurnReply | list[TurnFailure]:
        host = self._hosts[hosting.host]
        answer = await host.ask(turn(hosting.seats, whole=whole))
        if isinstance(answer, MemoryGap):
            answer = await host.ask(turn(hosting.seats, whole=True))
        if isinstance(answer, MemoryGap):
            raise RuntimeError(f"host {hosting.host} did not take the history of episode {answer.episode_id}")
        if isinstance(answer, TurnFailure):
            return [answer._replace(seat=seat) for seat in asked_of(hosting.seats, asked_A) or hosting.seats]
        return answer


def _engine_gone(decisions: Decisions, asked_A: BoolArray | None) -> bool:
    """Return whether nobody could decide and the reason is not the request itself."""
    n_asked = len(decisions.action_A) if asked_A is None else int(asked_A.sum())
    if not n_asked or (decisions.action_A != Action.MISSING).any() or decisions.solutions_A:
        return False
    refused = [failure.type == "ModelRefused" for failure in decisions.failures]
    # One agent alone whose prompt is turned down is missing; a whole population without an answer cannot go on.
    return n_asked > 1 or not refused or not all(refused)
