"""A round of tool usage as it was played, rebuilt from its solutions: a conversation for each problem."""

from __future__ import annotations

from collections.abc import Sequence

from atp_ray.paradigms.tool_usage.prompts import ToolStep, build_problem_messages, output_text
from atp_ray.paradigms.tool_usage.scenarios import OUTPUT_CLOSE, OUTPUT_OPEN, TOOL_CLOSE, TOOL_OPEN, tool_usage_of
from atp_ray.paradigms.tool_usage.tool_calls import read_tool_call
from atp_ray.play.exchanges import Exchange, ToolUse
from atp_ray.play.memory import SeatView
from atp_ray.play.problems import Problem, Solution


def round_exchanges(view: SeatView, solutions: Sequence[Solution]) -> list[Exchange]:
    """Return every step of the round's problems; one whose model never answered has a single step without a reply."""
    kept = {solution.problem_id: solution for solution in solutions}
    finished, exchanges = list[Solution](), list[Exchange]()
    for problem in tool_usage_of(view.spec).numbers.problems[view.round - 1].every:
        solution = kept.get(problem.problem_id)
        exchanges += _conversation(view, finished, problem, solution)
        if solution is not None:
            finished.append(solution)
    return exchanges


def split_reply(reply: str, calls: int) -> tuple[list[ToolStep], str | None]:
    """Return the steps of a solution's reply and what was written after the last of them, None where nothing was.

    Args:
        calls: how many tool calls were made. An output that itself holds a closing tag may be cut there.
    """
    steps, rest = list[ToolStep](), reply
    for _ in range(calls):
        close = rest.find(TOOL_CLOSE, rest.find(TOOL_OPEN)) + len(TOOL_CLOSE)
        opened = rest.find(f"{OUTPUT_OPEN}\n", close)
        closed = rest.find(f"\n{OUTPUT_CLOSE}", opened)
        if close < len(TOOL_CLOSE) or opened < 0 or closed < 0:
            break
        steps.append(ToolStep(rest[:close], rest[opened + len(OUTPUT_OPEN) + 1 : closed]))
        rest = rest[closed + len(OUTPUT_CLOSE) + 1 :].removeprefix("\n")
    return steps, rest or None


def _conversation(
    view: SeatView, finished: Sequence[Solution], problem: Problem, solution: Solution | None
) -> list[Exchange]:
    statuses = solution.tool_statuses if solution is not None else ()
    steps, last = split_reply(solution.reply, len(statuses)) if solution is not None else ([], None)
    exchanges = []
    for done, step in enumerate(steps):
        call = read_tool_call(step.reply)
        code = call.code if call is not None else ""
        tool = ToolUse(code, statuses[done], step.output, output_text(step.output))
        exchanges.append(Exchange(build_problem_messages(view, finished, problem, steps[:done]), step.reply, tool))
    return [*exchanges, Exchange(build_problem_messages(view, finished, problem, steps), last)]
