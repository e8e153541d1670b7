"""The one prompt builder: an agent's memory in, chat messages out.

What all seats share comes before what is private (in the games system message and first question are equal for
everyone), so that the engine's prefix cache pays for the shared part once. A past round is its question, the agent's
own reply and what the environment told it then; a problem of the tool-usage paradigm opens with the experience so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypedDict

from atp_ray.environments.games import NO_DECISION
from atp_ray.environments.registry import ENVIRONMENTS
from atp_ray.environments.tool_usage import experience, problem_question
from atp_ray.memory import SeatView
from atp_ray.problems import Problem, Solution
from atp_ray.scenarios.tool_usage import OUTPUT_CLOSE, OUTPUT_OPEN

# Changes whenever a prompt's wording or layout does; a checkpoint trained on another layout refuses to play.
LAYOUT_VERSION = 2


class Message(TypedDict):
    """One chat message in the form every chat template understands."""

    role: Literal["system", "user", "assistant"]
    content: str


class ToolStep(NamedTuple):
    """One step of a solution: what the agent wrote up to and with its tool call, and what the tool printed."""

    reply: str
    output: str


def build_messages(view: SeatView) -> list[Message]:
    """Return the chat messages from which a seat decides its next round (games and role-play)."""
    spec = view.spec
    environment = ENVIRONMENTS[spec.paradigm]
    messages: list[Message] = [{"role": "system", "content": environment.system(spec)}]
    for past in view.rounds:
        then = past.spec or spec
        messages += _user(*past.notes, environment.question(then, past.public.round))
        messages.append({"role": "assistant", "content": past.own_reply or f"({NO_DECISION})"})
        messages += _user(*environment.feedback(then, past, view.seat))
    return messages + _user(*view.notes, environment.question(spec, view.round))


def build_problem_messages(
    view: SeatView, this_round: Sequence[Solution], problem: Problem, steps: Sequence[ToolStep]
) -> list[Message]:
    """Return the chat messages from which a seat takes the next step of a problem (tool usage).

    Args:
        this_round: the problems the seat has finished in the running round.
        steps: the tool calls made for this problem so far.
    """
    spec = view.spec
    question = problem_question(spec, experience(view, this_round), problem)
    messages: list[Message] = [
        {"role": "system", "content": ENVIRONMENTS[spec.paradigm].system(spec)},
        {"role": "user", "content": question},
    ]
    for step in steps:
        messages += [
            {"role": "assistant", "content": step.reply},
            {"role": "user", "content": output_text(step.output)},
        ]
    return messages


def _user(*texts: str) -> list[Message]:
    return [{"role": "user", "content": text} for text in texts]


def output_text(output: str) -> str:
    """Return a tool's output as the agent reads it."""
    return f"{OUTPUT_OPEN}\n{output.strip()}\n{OUTPUT_CLOSE}"


def merge_neighbours(messages: list[Message]) -> list[Message]:
    """Join neighbouring messages of one role, for chat templates that insist on alternation."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += "\n\n" + message["content"]
        else:
            merged.append({**message})
    return merged
