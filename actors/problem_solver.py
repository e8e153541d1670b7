"""Solving maths problems with a language model and a sandboxed tool: a round of the tool-usage paradigm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from actors.decisions import SeatDecision
from actors.model_clients import ModelClient
from atp_ray.actions import Action
from atp_ray.grading import grade
from atp_ray.memory import SeatView
from atp_ray.model_calls import ReplyRequest
from atp_ray.parsing import visible_reply
from atp_ray.problems import Problem, Solution
from atp_ray.prompts import ToolStep, build_problem_messages, merge_neighbours, output_text
from atp_ray.randomness import derive_seed
from atp_ray.sampling import Sampling
from atp_ray.sandbox.results import ToolResult
from atp_ray.scenarios.tool_usage import TOOL_CLOSE
from atp_ray.tool_calls import read_tool_call
from atp_ray.turns import TurnFailure

NO_OUTPUT = "(no output)"


class ToolRunner(Protocol):
    """Where tool calls are executed."""

    async def run(self, session: str, code: str) -> ToolResult:
        """Run `code` in the session of that name, which keeps its variables between calls."""
        ...

    async def end(self, session: str) -> None:
        """Forget the session."""
        ...


@dataclass
class _Spent:
    attempts: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    latency_s: float = 0.0
    failure: TurnFailure | None = None


@dataclass
class _Attempt:
    """A problem in work: the tool calls made so far and how each ended."""

    steps: list[ToolStep] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)


class ProblemSolver:
    """Plays the tool-usage rounds of one checkpoint: simple problems for experience, then the complex one."""

    def __init__(self, client: ModelClient, tools: ToolRunner, alternate_roles: bool) -> None:
        self._client = client
        self._tools = tools
        self._alternate_roles = alternate_roles

    async def decide_seat(self, view: SeatView, sampling: Sampling) -> SeatDecision:
        """Return the seat's policy on the round's complex problem, with the solutions of all its problems."""
        problems = view.spec.tool_usage.parameters.problems[view.round - 1]
        spent, solved = _Spent(), list[Solution]()
        final: Solution | None = None
        for problem in (*problems.simple, *problems.complex):
            final = await self._solve(view, solved, problem, sampling, spent)
            if final is not None:
                solved.append(final)
        action = Action.MISSING if final is None else _action(final)
        failure = spent.failure if not action.is_decision else None
        reply = final.reply if final is not None else None
        return SeatDecision(
            action, reply, spent.attempts, spent.tokens_in, spent.tokens_out, spent.latency_s, failure, tuple(solved)
        )

    async def _solve(
        self, view: SeatView, solved: Sequence[Solution], problem: Problem, sampling: Sampling, spent: _Spent
    ) -> Solution | None:
        """Return the solution, None where the model never answered."""
        costs = view.spec.tool_usage.parameters
        session = f"{view.spec.episode_id}/{view.round}/{view.seat}/{problem.problem_id}"
        work = _Attempt()
        final: str | None = None
        try:
            while final is None:
                reply = await self._reply(view, solved, problem, work, sampling, spent)
                if reply is None:
                    break
                call = read_tool_call(reply) if len(work.steps) < costs.most_calls else None
                if call is None:
                    final = reply
                    continue
                result = await self._tools.run(session, call.code)
                work.statuses.append(result.status)
                work.steps.append(ToolStep(call.reply, result.output or NO_OUTPUT))
        finally:
            await self._tools.end(session)
        if final is None and not work.steps:
            return None
        judged = grade(final or "", problem.answer)
        used_tool = bool(work.steps)
        return Solution(
            problem_id=problem.problem_id,
            difficulty=problem.difficulty,
            used_tool=used_tool,
            answer=judged.answer,
            correct=judged.correct,
            cost=costs.tool_cost if used_tool else costs.direct_cost,
            reply=_whole(work.steps, final),
            tool_statuses=tuple(work.statuses),
        )

    async def _reply(
        self,
        view: SeatView,
        solved: Sequence[Solution],
        problem: Problem,
        work: _Attempt,
        sampling: Sampling,
        spent: _Spent,
    ) -> str | None:
        """Return the next reply, drawn again while it neither calls the tool nor answers; None if the model is gone."""
        spec, messages = view.spec, build_problem_messages(view, solved, problem, work.steps)
        if self._alternate_roles:
            messages = merge_neighbours(messages)
        reply: str | None = None
        for attempt in range(1, sampling.attempts + 1):
            place = (view.round, view.seat, problem.problem_id, len(work.steps), attempt)
            seed = derive_seed(spec.episode_id, spec.seed, *place)
            request = ReplyRequest(tuple(messages), sampling, seed, spec.scenario.options, stop=(TOOL_CLOSE,))
            answer = await self._client.reply(request)
            spent.attempts += 1
            spent.tokens_in += answer.prompt_tokens
            spent.tokens_out += answer.completion_tokens
            spent.latency_s += answer.latency_s
            if answer.error is not None:
                spent.failure = TurnFailure(view.seat, view.round, answer.failure_type, answer.error)
                continue
            reply = answer.text
            judged = grade(reply, problem.answer)
            if judged.answer is not None or read_tool_call(reply) is not None:
                return reply
            spent.failure = TurnFailure(view.seat, view.round, "Unparsed", str(judged.reason))
        return reply


def _action(solution: Solution) -> Action:
    if solution.used_tool:
        return Action.ALIGNED
    return Action.DEVIANT if solution.answer is not None else Action.UNPARSED


def _whole(steps: Sequence[ToolStep], final: str | None) -> str:
    parts = [part for step in steps for part in (step.reply, output_text(step.output))]
    return "\n".join([*parts, visible_reply(final) or final] if final else parts)
