"""Training transcripts of tool usage: experience weighed, then the tool called or the answer given directly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atp_ray.paradigms.teaching import Transcript
from atp_ray.paradigms.tool_usage.problem_pools.generated import GeneratedProblem, generate_problems
from atp_ray.paradigms.tool_usage.problem_pools.pools import embedded_texts
from atp_ray.paradigms.tool_usage.prompts import ToolStep, build_problem_messages
from atp_ray.paradigms.tool_usage.response import ToolResponse, strategy_counts
from atp_ray.paradigms.tool_usage.scenarios import TOOL_CLOSE, TOOL_OPEN, RoundProblems, ToolNumbers, ToolScenario
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.memory import SeatView
from atp_ray.play.problems import Difficulty, Solution
from atp_ray.play.prompts import Message
from atp_ray.tiny.fits import stated_pull

BATCH = 64  # problems generated together
NO_OUTPUT = "(no output)"


class ToolState(NamedTuple):
    """A problem to be solved: the view, what is known from experience, and the teacher's probability of no tool."""

    view: SeatView
    known: list[Solution]
    problem: GeneratedProblem
    probability: float


def direct_reply(opening: str, answer: str) -> str:
    """Return the teacher's reply without the tool."""
    return f"{opening} I reason directly. {boxed(answer)}"


def tool_reply(opening: str, program: str) -> str:
    """Return the teacher's tool call."""
    return f"{opening} I use the tool. {TOOL_OPEN}{program}{TOOL_CLOSE}"


def boxed(answer: str) -> str:
    """Return the answer in the form every prompt asks for."""
    return f"The answer is \\boxed{{{answer}}}."


class ToolTranscripts:
    """Draws tool-usage transcripts, the same for the same seed; no problem of the embedded pools is among them."""

    def __init__(self, scenario: ToolScenario, seed: int) -> None:
        self._scenario = scenario
        self._random = np.random.default_rng(seed)
        self._seed = 1_000_000 + 1000 * seed  # the embedded pools are made with small seeds
        self._policy = ToolResponse()
        self._held_out = embedded_texts()
        self._waiting: dict[Difficulty, list[GeneratedProblem]] = {"simple": [], "complex": []}

    def transcript(self) -> Transcript:
        """Return one problem with the teacher's solution."""
        rng = self._random
        drawn = self.state()
        probability = drawn.probability
        direct, tool, wrong = strategy_counts(drawn.known)
        opening = f"Right so far: direct {direct}, tool {tool}; wrong {wrong}. {stated_pull(probability)}"
        problem, steps, replies = drawn.problem.problem, list[ToolStep](), list[str]()
        if rng.random() < probability:
            replies.append(direct_reply(opening, problem.answer))
        else:
            replies.append(tool_reply(opening, drawn.problem.program))
            worked = rng.random() < 0.97
            steps.append(ToolStep(replies[0], problem.answer if worked else NO_OUTPUT))
            # A tool that gives nothing still leaves the problem to be answered.
            replies.append(boxed(problem.answer))
        messages = build_problem_messages(drawn.view, drawn.known, problem, steps)
        messages.append(Message(role="assistant", content=replies[-1]))
        return Transcript(tuple(messages), tuple(message["role"] == "assistant" for message in messages))

    def state(self) -> ToolState:
        """Return one problem to be solved."""
        difficulty: Difficulty = "simple" if self._random.random() < 0.45 else "complex"
        problem, known = self._next(difficulty), self._experience()
        return ToolState(self._view(problem), known, problem, self._policy.direct_probability(known, difficulty))

    def _next(self, difficulty: Difficulty) -> GeneratedProblem:
        waiting = self._waiting[difficulty]
        while not waiting:
            self._seed += 1
            made = generate_problems(difficulty, BATCH, self._seed)
            waiting += [problem for problem in made if problem.problem.text not in self._held_out]
        return waiting.pop()

    def _experience(self) -> list[Solution]:
        rng = self._random
        known = []
        share = rng.beta(0.8, 0.8)
        for index in range(int(rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8], p=[0.2] + [0.1] * 8))):
            used_tool = bool(rng.random() < share)
            difficulty: Difficulty = "simple" if rng.random() < 0.6 else "complex"
            correct = index < 6 or bool(rng.random() < 0.5)
            cost = 3.0 if used_tool else 1.0
            known.append(Solution(f"past-{index}", difficulty, used_tool, None, correct, cost, ""))
        if known and rng.random() < 0.35:
            last = known[-1]
            known[-1] = Solution(last.problem_id, "simple", last.used_tool, None, False, last.cost, "")
        return known

    def _view(self, problem: GeneratedProblem) -> SeatView:
        rounds = (RoundProblems(complex=(problem.problem,)),)
        spec = EpisodeSpec(
            scenario=self._scenario,
            parameters=ToolNumbers(problems=rounds),
            seats=(SeatGroup(checkpoint="tiny", count=1),),
            rounds=1,
        )
        return SeatView(spec, 0, ())
