"""What checkpoints learn from in tool usage: problems to align with, the logistic teacher, bounds."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from atp_ray.checkpoint.scope import TrainingScope
from atp_ray.config_files import Frozen
from atp_ray.paradigms.teaching import NOBODY, Ask, Judged, Like, Side, Teaching, TrainingPrompt
from atp_ray.paradigms.tool_usage.calibration import fit_tool_usage
from atp_ray.paradigms.tool_usage.grading import grade
from atp_ray.paradigms.tool_usage.problem_pools.generated import SOURCE, generate_problems
from atp_ray.paradigms.tool_usage.problem_pools.pools import embedded_texts
from atp_ray.paradigms.tool_usage.prompts import build_problem_messages, output_text
from atp_ray.paradigms.tool_usage.scenario_files import load_tool_scenario
from atp_ray.paradigms.tool_usage.scenarios import TOOL_CLOSE, RoundProblems, ToolNumbers, tool_usage_of
from atp_ray.paradigms.tool_usage.solver import NO_OUTPUT, action_of
from atp_ray.paradigms.tool_usage.stand_in import ToolStandIn
from atp_ray.paradigms.tool_usage.tool_calls import read_tool_call
from atp_ray.paradigms.tool_usage.transcripts import ToolTranscripts
from atp_ray.play.actions import Action
from atp_ray.play.asking import ToolRunner
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import SeatView
from atp_ray.play.parsing import visible_reply
from atp_ray.play.prompts import Message
from atp_ray.tiny.fits import CalibrationPart, Sampler

SCENARIO = "maths"
PROBLEMS = 2000
MOST_STEPS = 3  # tool calls of a solution that is trained on, as many as play allows


class ToolBounds(Frozen):
    """The problems that the small checkpoint knows."""

    problem_sources: tuple[str, ...]
    costs: tuple[float, float] = Field(description="Cost units of the tool and of reasoning directly.")


class ToolUsageTeaching(Teaching):
    """Tool usage."""

    instructions: ClassVar[Mapping[Side, str]] = {
        "chosen": "Use the tool for this problem.",
        "rejected": "Do not use the tool; reason it out.",
    }
    learner = "tiny"
    share = 0.3

    def training_prompts(self, count: int | None, seed: int) -> list[TrainingPrompt]:
        """Return generated complex problems (2000, or `count`), none of the embedded pools."""
        wanted = count or PROBLEMS
        held_out = embedded_texts()
        made = generate_problems("complex", wanted + len(held_out), seed=500_000 + seed)
        scenario, prompts = load_tool_scenario(SCENARIO), []
        for problem in [entry.problem for entry in made if entry.problem.text not in held_out][:wanted]:
            numbers = ToolNumbers(problems=(RoundProblems(complex=(problem,)),))
            seats = (SeatGroup(checkpoint=NOBODY, count=1),)
            spec = EpisodeSpec(scenario=scenario, parameters=numbers, seats=seats, rounds=1)
            messages = tuple(build_problem_messages(SeatView(spec, 0, ()), (), problem, ()))
            made_of = (problem.problem_id, "tool_usage", scenario.name, messages, scenario.options)
            prompts.append(TrainingPrompt(*made_of, answer=problem.answer, stop=(TOOL_CLOSE,)))
        return prompts

    def instruction(self, side: Side, like: Like) -> str | None:
        """Return the instruction; the paper's rejected side is a plain sample."""
        return None if like == "paper" and side == "rejected" else self.instructions[side]

    async def completed(self, prompt: TrainingPrompt, reply: str, ask: Ask, tools: ToolRunner | None) -> str | None:
        """Return a solution by the tool with outputs and answer, None if that is wrong; other replies as they are."""
        if (call := read_tool_call(reply)) is None:
            return reply
        if tools is None:
            raise ValueError("a solution by the tool needs a sandbox")
        # A chat template keeps one thought a message: the first one, that led to the tool.
        visible = visible_reply(reply) or ""
        parts, messages, session = [reply[: reply.rfind(visible)].strip()], list[Message](), secrets.token_hex(8)
        try:
            while call is not None and len(messages) < 2 * MOST_STEPS:
                result = await tools.run(session, call.code)
                output = output_text(result.output or NO_OUTPUT)
                parts += [call.reply, output]
                messages += [{"role": "assistant", "content": call.reply}, {"role": "user", "content": output}]
                reply = await ask(messages)
                call = read_tool_call(reply)
        finally:
            await tools.end(session)
        if call is not None or not grade(reply, prompt.answer or "").correct:
            return None
        return "\n".join(part for part in (*parts, visible_reply(reply) or "") if part)

    def judge(self, reply: str, options: Sequence[str], answer: str | None) -> Judged:
        """Return what a reply does: a tool call (up to its end) is aligned, a readable answer without one deviant."""
        del options
        if (call := read_tool_call(reply)) is not None:
            return Judged(Action.ALIGNED, call.reply)
        action = action_of(used_tool=False, answer=grade(reply, answer or "").answer)
        return Judged(action, visible_reply(reply) if action.is_decision else None)

    def outside(self, spec: EpisodeSpec, scope: TrainingScope) -> str | None:
        """Return what of an episode lies outside the costs and problems it knows."""
        numbers, known = tool_usage_of(spec).numbers, scope.bounds(ToolBounds)
        if (numbers.tool_cost, numbers.direct_cost) != known.costs:
            return (
                f"costs {numbers.tool_cost:g} and {numbers.direct_cost:g} (only {known.costs[0]:g}, {known.costs[1]:g})"
            )
        problems = (problem for played in numbers.problems for problem in played.every)
        foreign = {problem.source for problem in problems} - set(known.problem_sources)
        return f"problems from {sorted(foreign)[0]} (only {', '.join(known.problem_sources)})" if foreign else None

    def bounds(self) -> ToolBounds:
        """Return costs and sources of problems."""
        return ToolBounds(problem_sources=(SOURCE,), costs=(3.0, 1.0))

    def lessons(self, scope: TrainingScope) -> str:
        """Return where the problems come from."""
        sources = ", ".join(scope.bounds(ToolBounds).problem_sources)
        return f"Tool usage: {sources} problems, none of which is in the embedded pools."

    def transcripts(self, scope: TrainingScope, seed: int) -> ToolTranscripts:
        """Return the transcripts of the logistic teacher."""
        del scope
        return ToolTranscripts(load_tool_scenario(SCENARIO), seed)

    def stand_in(self, seed: int, taught: bool) -> ToolStandIn:
        """Return what solves problems in a model's place."""
        return ToolStandIn(seed, taught)

    def calibration(
        self, sampler: Sampler, scope: TrainingScope, states: int, repeats: int
    ) -> Sequence[CalibrationPart]:
        """Return the fits by difficulty."""
        del scope, repeats
        return (CalibrationPart(tool_fits=fit_tool_usage(sampler, 6 * states)),)


TEACHING = ToolUsageTeaching()
