"""Prompts of tool usage: a problem opens with the experience so far; tool calls and outputs follow as a dialogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from atp_ray.paradigms.tool_usage.scenarios import OUTPUT_CLOSE, OUTPUT_OPEN, tool_usage_of
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import SeatView
from atp_ray.play.problems import Problem, Solution
from atp_ray.play.prompts import Message
from atp_ray.play.wording import number


class ToolStep(NamedTuple):
    """One step of a solution: what the agent wrote up to and with its tool call, and what the tool printed."""

    reply: str
    output: str


def build_problem_messages(
    view: SeatView, this_round: Sequence[Solution], problem: Problem, steps: Sequence[ToolStep]
) -> list[Message]:
    """Return the chat messages from which a seat takes the next step of a problem.

    Args:
        this_round: the problems the seat has finished in the running round.
        steps: the tool calls made for this problem so far.
    """
    scenario, numbers = tool_usage_of(view.spec)
    question = problem_question(view.spec, experience(view, this_round), problem)
    told = "\n\n".join((*view.notes, question))
    messages: list[Message] = [
        {"role": "system", "content": scenario.system(numbers)},
        {"role": "user", "content": told},
    ]
    for step in steps:
        messages += [
            {"role": "assistant", "content": step.reply},
            {"role": "user", "content": output_text(step.output)},
        ]
    return messages


def output_text(output: str) -> str:
    """Return a tool's output as the agent reads it."""
    return f"{OUTPUT_OPEN}\n{output.strip()}\n{OUTPUT_CLOSE}"


def experience(view: SeatView, this_round: Sequence[Solution]) -> list[Solution]:
    """Return what an agent may learn from, oldest first.

    Of past rounds the solutions that were right, of the running round all: trying is what simple problems are for.
    """
    past = [solution for known in view.rounds for solution in known.solutions if solution.correct]
    return [*past, *this_round]


def problem_question(spec: EpisodeSpec, known: Sequence[Solution], problem: Problem) -> str:
    """Return the user message that opens a problem: experience first, then the problem."""
    question = tool_usage_of(spec).scenario.question(problem)
    return f"{experience_text(known)}\n\n{question}" if known else question


def experience_text(known: Sequence[Solution]) -> str:
    """Return what is known from experience, a line for each solution; empty for none."""
    lines = "\n".join(f"- {experience_line(solution)}" for solution in known)
    return f"Your experience so far:\n{lines}" if known else ""


def experience_line(solution: Solution) -> str:
    """Return one solution as a strategy: kind of problem, what was done, what it cost and whether it was right."""
    strategy = "used the tool" if solution.used_tool else "reasoned directly"
    verdict = "right" if solution.correct else "wrong"
    return f"{solution.difficulty} problem, {strategy} at cost {number(solution.cost)}: {verdict}"
