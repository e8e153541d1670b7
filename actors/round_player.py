"""One round of one episode asked of all its hosts: turns out, replies merged, gaps in a host's memory filled.

A round has up to three phases, each over before the next begins: what agents say, the round's probes, the decisions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from actors.failure_policy import FailurePolicy
from actors.host_client import HostClient
from actors.population import Hosting, Population
from atp_ray.errors import EngineError
from atp_ray.play.actions import Action
from atp_ray.play.answers import Answers, Probed, merge_answers, with_talk
from atp_ray.play.decisions import BoolArray, Decisions, TurnFailure, merge_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.rounds import asked_of
from atp_ray.play.turns import MemoryGap, Phase, Turn, TurnReply


class TurnMaker(Protocol):
    """From the seats a host serves, and whether it needs the whole window, to the turn that asks them."""

    def __call__(
        self,
        seats: tuple[int, ...],
        /,
        *,
        whole: bool,
        asked_A: BoolArray | None,
        phase: Phase,
        said_A: tuple[str | None, ...] | None,
    ) -> Turn:
        """Return the turn."""
        ...


class RoundPlay(NamedTuple):
    """What all seats decided in a round (those that were not asked are missing), and answered to its probes."""

    decisions: Decisions
    probed: tuple[Probed, ...] = ()


class _Asked(NamedTuple):
    """Whom a round is asked of, and how; see `RoundPlayer.play`."""

    hostings: Sequence[Hosting]
    turn: TurnMaker
    asked_A: BoolArray | None
    on_ask: Callable[[], None]
    on_answer: Callable[[Sequence[int]], None]


class _Heard(NamedTuple):
    """What the hosts answered in a phase, and why some did not."""

    replies: list[TurnReply]
    failures: list[TurnFailure]


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

    async def play(
        self,
        spec: EpisodeSpec,
        round_number: int,
        hostings: Sequence[Hosting],
        turn: TurnMaker,
        *,
        whole: bool,
        asked_A: BoolArray | None = None,
        on_ask: Callable[[], None] = lambda: None,
        on_answer: Callable[[Sequence[int]], None] = lambda _: None,
    ) -> RoundPlay:
        """Return what the seats decide in a round, what they say before it and what they answer to its probes.

        Args:
            whole: whether hosts are sent the whole window at once; otherwise only those that ask for it.
            asked_A: which seats decide, None for all; no others are asked anything.
            on_ask: told when a phase begins.
            on_answer: told which seats have answered, as each host does.

        Raises:
            EngineError: nobody could decide, and the reason is not one agent's own prompt.
        """
        asked, n_agents = _Asked(hostings, turn, asked_A, on_ask, on_answer), spec.parameters.n_agents
        said: Answers | None = None
        if spec.talk:
            (said,) = _answers(n_agents, 1, await self._phase(asked, "say", whole, None))
            whole = False  # the hosts know by now
        said_A = None if said is None else said.text_A
        probed: tuple[Probed, ...] = ()
        if probes := spec.probes_at(round_number):
            answers = _answers(n_agents, len(probes), await self._phase(asked, "probe", whole, said_A))
            probed = tuple(Probed(probe.name, answer) for probe, answer in zip(probes, answers, strict=True))
            whole = False
        decisions = _decided(n_agents, asked_A, await self._phase(asked, "decide", whole, said_A))
        return RoundPlay(decisions if said is None else with_talk(decisions, said), probed)

    async def _phase(self, asked: _Asked, phase: Phase, whole: bool, said_A: tuple[str | None, ...] | None) -> _Heard:
        """Return what the hosts of the seats asked answer in one phase."""

        async def answer(hosting: Hosting) -> TurnReply | list[TurnFailure]:
            answered = await self._ask(hosting, asked, phase, whole, said_A)
            asked.on_answer(hosting.seats)
            return answered

        asked.on_ask()
        wanted = [hosting for hosting in asked.hostings if asked_of(hosting.seats, asked.asked_A) != ()]
        tasks = [asyncio.create_task(answer(hosting)) for hosting in wanted]
        try:
            answers = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()  # where one raised, nobody waits for the others
        replies = [answer for answer in answers if isinstance(answer, TurnReply)]
        failures = [failure for answer in answers if not isinstance(answer, TurnReply) for failure in answer]
        return _Heard(replies, failures)

    def forget(self, episode_id: str, hostings: Sequence[Hosting]) -> None:
        """Tell the hosts that an episode is over."""
        for hosting in hostings:
            self._hosts[hosting.host].forget(episode_id)

    async def _ask(
        self,
        hosting: Hosting,
        asked: _Asked,
        phase: Phase,
        whole: bool,
        said_A: tuple[str | None, ...] | None,
    ) -> TurnReply | list[TurnFailure]:
        def turn(whole: bool) -> Turn:
            return asked.turn(hosting.seats, whole=whole, asked_A=asked.asked_A, phase=phase, said_A=said_A)

        host = self._hosts[hosting.host]
        answer = await host.ask(turn(whole))
        if isinstance(answer, MemoryGap):
            answer = await host.ask(turn(whole=True))
        if isinstance(answer, MemoryGap):
            raise RuntimeError(f"host {hosting.host} did not take the history of episode {answer.episode_id}")
        if isinstance(answer, TurnFailure):
            return [answer._replace(seat=seat) for seat in asked_of(hosting.seats, asked.asked_A) or hosting.seats]
        return answer


def _answers(n_agents: int, n_questions: int, heard: _Heard) -> list[Answers]:
    """Return what all seats answered to each question of a phase."""
    return [
        merge_answers(n_agents, [(reply.seats, reply.answers[place]) for reply in heard.replies], heard.failures)
        for place in range(n_questions)
    ]


def _decided(n_agents: int, asked_A: BoolArray | None, heard: _Heard) -> Decisions:
    """Return what all seats decided.

    Raises:
        EngineError: nobody could, and the reason is not one agent's own prompt.
    """
    parts = [(reply.seats, reply.decisions) for reply in heard.replies if reply.decisions is not None]
    decisions = merge_decisions(n_agents, parts, heard.failures)
    if _engine_gone(decisions, asked_A):
        reason = decisions.failures[0].message if decisions.failures else "no reason was given"
        hint = "The rounds settled so far are kept; continue with --resume once the engine answers"
        number = decisions.failures[0].round if decisions.failures else 0
        raise EngineError(f"no agent could decide in round {number}: {reason}", hint=hint)
    return decisions


def _engine_gone(decisions: Decisions, asked_A: BoolArray | None) -> bool:
    """Return whether nobody could decide and the reason is not the request itself."""
    n_asked = len(decisions.action_A) if asked_A is None else int(asked_A.sum())
    if not n_asked or (decisions.action_A != Action.MISSING).any() or decisions.solutions_A:
        return False
    refused = [failure.type == "ModelRefused" for failure in decisions.failures]
    # One agent alone whose prompt is turned down is missing; a whole population without an answer cannot go on.
    return n_asked > 1 or not refused or not all(refused)
