"""Asking a model for one seat's round: the one loop that retries what cannot be read, and what it took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from atp_ray.play.actions import Action
from atp_ray.play.answers import SeatAnswer
from atp_ray.play.decisions import SeatDecision, TurnFailure
from atp_ray.play.memory import SeatView
from atp_ray.play.model_calls import ModelReply, ReplyRequest
from atp_ray.play.problems import Solution
from atp_ray.play.prompts import Message, merge_neighbours
from atp_ray.play.randomness import derive_seed
from atp_ray.play.sampling import Sampling
from atp_ray.sandbox.results import ToolResult


class ModelClient(Protocol):
    """Anything that turns requests into replies."""

    async def reply(self, request: ReplyRequest) -> ModelReply:
        """Return the reply to one request."""
        ...


class ToolRunner(Protocol):
    """Where tool calls are executed."""

    async def run(self, session: str, code: str) -> ToolResult:
        """Run `code` in the session of that name, which keeps its variables between calls."""
        ...

    async def end(self, session: str) -> None:
        """Forget the session."""
        ...


class Asking:
    """One seat's dealings with its model in one round.

    Args:
        alternate_roles: merge neighbouring messages of a role, for chat templates that insist on alternation.
        tools: where tool calls run; None where there are none.
    """

    def __init__(
        self,
        client: ModelClient,
        view: SeatView,
        sampling: Sampling,
        *,
        alternate_roles: bool = False,
        tools: ToolRunner | None = None,
    ) -> None:
        self.tools = tools
        self._client = client
        self._view = view
        self._sampling = sampling
        self._alternate_roles = alternate_roles
        self._attempts = self._tokens_in = self._tokens_out = 0
        self._latency_s = 0.0
        self._failure: TurnFailure | None = None

    async def reply(
        self,
        messages: list[Message],
        unread: Callable[[str], str | None],
        place: Sequence[str | int] = (),
        stop: tuple[str, ...] = (),
        *,
        free: bool = False,
    ) -> str | None:
        """Return the first reply that can be read, else the last one; None if the model never answered.

        Args:
            unread: says why a reply cannot be read, None where it can.
            place: what tells this question from others of the seat's round, for the seed.
            free: the reply is no decision, so that it is never held to the form of one.
        """
        view, spec = self._view, self._view.spec
        sampling = self._sampling.model_copy(update={"structured": False}) if free else self._sampling
        sent = tuple(merge_neighbours(messages) if self._alternate_roles else messages)
        reply: str | None = None
        for attempt in range(1, self._sampling.attempts + 1):
            seed = derive_seed(spec.episode_id, spec.seed, view.round, view.seat, *place, attempt)
            answer = await self._client.reply(ReplyRequest(sent, sampling, seed, spec.scenario.options, stop))
            self._attempts += 1
            self._tokens_in += answer.prompt_tokens
            self._tokens_out += answer.completion_tokens
            self._latency_s += answer.latency_s
            if answer.error is not None:
                self._failure = TurnFailure(view.seat, view.round, answer.failure_type, answer.error)
                continue
            reply = answer.text
            if (reason := unread(reply)) is None:
                return reply
            self._failure = TurnFailure(view.seat, view.round, "Unparsed", reason)
        return reply

    def decision(
        self, action: Action, reply: str | None, solutions: Sequence[Solution] = (), option: int | None = None
    ) -> SeatDecision:
        """Return the seat's decision with all that asking for it took."""
        return SeatDecision(
            action,
            reply,
            self._attempts,
            self._tokens_in,
            self._tokens_out,
            self._latency_s,
            self._failure if not action.is_decision else None,
            tuple(solutions),
            option,
        )

    def answer(self, text: str | None, *, read: bool) -> SeatAnswer:
        """Return what the seat answered, with all that asking for it took.

        Args:
            read: whether the reply could be read; otherwise the reason is kept as its failure.
        """
        spent = (self._attempts, self._tokens_in, self._tokens_out, self._latency_s)
        return SeatAnswer(text, *spent, None if read else self._failure)
