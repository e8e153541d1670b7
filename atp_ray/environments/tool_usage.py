"""Tool usage as an environment: simple problems for experience, then a complex one (paper section 3.1.2).

A round is several conversations, one per problem. `problem_question` opens each of them with what the agent knows by
then; `feedback` is empty, as past rounds enter as experience and not as a dialogue.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.environments.interface import Outcome, PlayedRound
from atp_ray.episodes import EpisodeSpec
from atp_ray.memory import SeatRound, SeatView
from atp_ray.problems import Problem, Solution
from atp_ray.scenarios.wording import number
from atp_ray.settlement import add_income, no_income


class ToolUsageEnvironment:
    """Observe and settle of the tool-usage paradigm."""

    def system(self, spec: EpisodeSpec) -> str:
        """Return task, tool and costs."""
        scenario, parameters = spec.tool_usage
        return scenario.system(parameters)

    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the round's complex problem, the one that is evaluated."""
        scenario, parameters = spec.tool_usage
        return scenario.question(parameters.problems[round_number - 1].complex[0])

    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return nothing: past rounds are told as experience."""
        del spec, past, seat
        return ()

    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Charge each seat the costs of all its problems; the reward is minus that, in cost units."""
        del spec
        capital = played.before or no_income(len(played.actions_A))
        spent = [sum(solution.cost for solution in solutions) for solutions in played.solutions_A]
        cost_A = np.array(spent or np.zeros(len(played.actions_A)), dtype=float)
        return Outcome(None, 0.0 - cost_A, capital, add_income(capital, -cost_A))


def experience(view: SeatView, this_round: Sequence[Solution]) -> list[Solution]:
    """Return what an agent may learn from, oldest first.

    Of past rounds the solutions that were right, of the running round all: trying is what simple problems are for.
    """
    past = [solution for known in view.rounds for solution in known.solutions if solution.correct]
    return [*past, *this_round]


def problem_question(spec: EpisodeSpec, known: Sequence[Solution], problem: Problem) -> str:
    """Return the user message that opens a problem: experience first, then the problem."""
    question = spec.tool_usage.scenario.question(problem)
    if not known:
        return question
    lines = "\n".join(f"- {experience_line(solution)}" for solution in known)
    return f"Your experience so far:\n{lines}\n\n{question}"


def experience_line(solution: Solution) -> str:
    """Return one solution as a strategy: kind of problem, what was done, what it cost and whether it was right."""
    strategy = "used the tool" if solution.used_tool else "reasoned directly"
    verdict = "right" if solution.correct else "wrong"
    return f"{solution.difficulty} problem, {strategy} at cost {number(solution.cost)}: {verdict}"
