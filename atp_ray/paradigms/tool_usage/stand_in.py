"""What solves problems in a model's place while a run is estimated: as the small checkpoint does, or as any may."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from atp_ray.paradigms.stand_in import StandIn
from atp_ray.paradigms.tool_usage.problem_pools.generated import generate_problems
from atp_ray.paradigms.tool_usage.problem_pools.pools import DIFFICULTIES, POOL_SIZES
from atp_ray.paradigms.tool_usage.prompts import experience
from atp_ray.paradigms.tool_usage.response import ToolResponse, strategy_counts
from atp_ray.paradigms.tool_usage.scenarios import tool_usage_of
from atp_ray.paradigms.tool_usage.transcripts import boxed, direct_reply, tool_reply
from atp_ray.play.memory import SeatView
from atp_ray.play.problems import Difficulty, Problem, Solution
from atp_ray.play.prompts import Message
from atp_ray.tiny.fits import stated_pull

# Of the small checkpoint, measured over the 768 problems of `table2` with four seeds: shares of right answers, how much
# more often than its teacher it reasons directly, and the share of replies that cannot be read and are drawn again.
RIGHT_BY_TOOL: dict[Difficulty, float] = {"simple": 1.0, "complex": 0.95}
RIGHT_DIRECTLY: dict[Difficulty, float] = {"simple": 0.58, "complex": 0.05}
MORE_DIRECT: dict[Difficulty, float] = {"simple": 0.07, "complex": 0.13}
UNREADABLE = 0.002
ANY_PROGRAM = "print(1)"


class ToolStandIn(StandIn):
    """Solves the problems of one seat.

    Args:
        taught: decides and is right as often as the small checkpoint, in its teacher's words; else every problem takes
            one tool call and is solved.
    """

    def __init__(self, seed: int, taught: bool) -> None:
        super().__init__(seed)
        self._taught = taught
        self._round = 0
        self._solved: list[Solution] = []

    def reply(self, view: SeatView, messages: Sequence[Message]) -> str:
        """Return a tool call or an answer; after a call, the answer it printed."""
        if self._taught and self.random.random() < UNREADABLE:
            return stated_pull(0.5)
        if len(messages) > 2:
            return boxed(self.output)
        if view.round != self._round:
            self._round, self._solved = view.round, []
        problem = _problem(view, messages)
        known = experience(view, self._solved)
        chance = ToolResponse().direct_probability(known, problem.difficulty) if self._taught else 0.0
        direct, tool, wrong = strategy_counts(known)
        opening = f"Right so far: direct {direct}, tool {tool}; wrong {wrong}. {stated_pull(chance)}"
        uses_tool = not self._taught or bool(self.random.random() >= chance + MORE_DIRECT[problem.difficulty])
        answer = self._answer(problem, uses_tool)
        cost = 1.0 if uses_tool else 0.0  # the teacher looks at what was right, not at costs
        right = answer == problem.answer
        self._solved.append(Solution(problem.problem_id, problem.difficulty, uses_tool, answer, right, cost, ""))
        if not uses_tool:
            return direct_reply(opening, answer)
        self.output = answer
        return tool_reply(opening, _programs().get(problem.text, ANY_PROGRAM))

    def _answer(self, problem: Problem, uses_tool: bool) -> str:
        if not self._taught:
            return problem.answer
        share = (RIGHT_BY_TOOL if uses_tool else RIGHT_DIRECTLY)[problem.difficulty]
        return problem.answer if self.random.random() < share else f"{problem.answer}0"


def _problem(view: SeatView, messages: Sequence[Message]) -> Problem:
    """Return the problem that the first user message ends with."""
    scenario, numbers = tool_usage_of(view.spec)
    every = numbers.problems[view.round - 1].every
    return next(p for p in every if messages[1]["content"].endswith(scenario.question(p)))


@cache
def _programs() -> dict[str, str]:
    """Return the teacher's program for each text of the embedded pools."""
    made = (entry for kind in DIFFICULTIES for entry in generate_problems(kind, POOL_SIZES[kind], seed=0))
    return {entry.problem.text: entry.program for entry in made}
