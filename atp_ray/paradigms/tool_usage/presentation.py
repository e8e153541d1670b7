"""How tool usage and its results are told and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from atp_ray.paradigms.presentation import Presentation, Terms
from atp_ray.paradigms.tool_usage.scenarios import tool_usage_of
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.problems import Problem, Solution
from atp_ray.play.records import RoundRecord
from atp_ray.play.wording import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from atp_ray.measures.results import CellResult

LONGEST_PROBLEM = 160  # characters


class ToolUsagePresentation(Presentation):
    """Tool usage, costs, solutions."""

    terms = Terms("rate of doing without the tool", "reasons directly", "uses the tool")

    def numbers_line(self, spec: EpisodeSpec) -> str:
        """Return the costs."""
        numbers = tool_usage_of(spec).numbers
        direct = number(numbers.direct_cost)
        return f"The tool costs {number(numbers.tool_cost)} units, reasoning directly {direct}"

    def round_line(self, spec: EpisodeSpec, record: RoundRecord) -> str:
        """Return how many problems were worked on, and what that cost."""
        spent = f"{number(-float(record.reward_A[0]))} cost units"
        solutions_A = record.decisions.solutions_A
        return f"{len(solutions_A[0])} problems, {spent}" if solutions_A else spent

    def seat_note(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> str:
        """Return nothing: the costs stand in the round's line."""
        del spec, record, seat
        return ""

    def seat_lines(self, spec: EpisodeSpec, record: RoundRecord, seat: int) -> list[str] | None:
        """Return the seat's problems and solutions, None where there are none."""
        if not record.decisions.solutions_A:
            return None
        played = tool_usage_of(spec).numbers.problems[record.round - 1]
        problems = {problem.problem_id: problem for problem in played.every}
        solutions = record.decisions.solutions_A[seat]
        return [line for solution in solutions for line in _solution_lines(problems[solution.problem_id], solution)]

    def tables(self, results: Sequence[CellResult]) -> list[RenderableType]:
        """Return the table of tool usage and accuracy."""
        from atp_ray.paradigms.tool_usage.tables import tool_usage_tables

        return tool_usage_tables(results)

    def figures(self, results: Sequence[CellResult]) -> Iterator[tuple[Figure, str]]:
        """Yield the figure of Table 2."""
        from atp_ray.paradigms.tool_usage.figure import draw_tool_usage
        from atp_ray.report.published import published_table2

        yield draw_tool_usage(results, published_table2()), "table2_tool_usage"


def _solution_lines(problem: Problem, solution: Solution) -> list[str]:
    way = "[green]used the tool[/green]" if solution.used_tool else "[red]reasoned directly[/red]"
    verdict = "right" if solution.correct else f"wrong (it is {problem.answer})"
    statuses = f" ({', '.join(solution.tool_statuses)})" if solution.tool_statuses else ""
    answer = escape(solution.answer or "no readable answer")
    return [
        f"  {solution.difficulty:<8} {way}{statuses}, {number(solution.cost)} units: {answer}, {verdict}",
        f"            {escape(problem.text[:LONGEST_PROBLEM])}",
        *(f"            [dim]{escape(line)}[/dim]" for line in solution.reply.splitlines()),
    ]


PRESENTATION = ToolUsagePresentation()
