"""Tool usage as an environment: simple problems for experience, then a complex one (paper section 3.1.2).

A round is several conversations, one per problem; past rounds enter as experience and not as a dialogue.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.paradigms.environment import Environment
from atp_ray.paradigms.tool_usage.exchanges import round_exchanges
from atp_ray.paradigms.tool_usage.prompts import build_problem_messages, experience, experience_text
from atp_ray.paradigms.tool_usage.scenarios import ToolNumbers, ToolScenario, tool_usage_of
from atp_ray.paradigms.tool_usage.solver import solve_round
from atp_ray.play.actions import Action
from atp_ray.play.asking import Asking
from atp_ray.play.capital import add_income, no_income
from atp_ray.play.decisions import SeatDecision
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.exchanges import Exchange
from atp_ray.play.memory import SeatRound, SeatView
from atp_ray.play.played import Outcome, PlayedRound
from atp_ray.play.problems import Solution
from atp_ray.play.prompts import Message


class ToolUsageEnvironment(Environment):
    """Observe, solve and settle of tool usage."""

    scenario_models = (ToolScenario,)
    numbers_model = ToolNumbers
    uses_tools = True
    remembers_replies = False
    unreadable_as = Action.DEVIANT

    def system(self, spec: EpisodeSpec) -> str:
        """Return task, tool and costs."""
        scenario, numbers = tool_usage_of(spec)
        return scenario.system(numbers)

    def question(self, spec: EpisodeSpec, round_number: int) -> str:
        """Return the round's complex problem, the one that is evaluated."""
        scenario, numbers = tool_usage_of(spec)
        return scenario.question(numbers.problems[round_number - 1].complex[0])

    def feedback(self, spec: EpisodeSpec, past: SeatRound, seat: int) -> Sequence[str]:
        """Return nothing: past rounds are told as experience."""
        del spec, past, seat
        return ()

    def messages(self, view: SeatView) -> list[Message]:
        """Return the prompt of the round's first problem; after the last round, what the agent knows by then."""
        problems = tool_usage_of(view.spec).numbers.problems
        if view.round > len(problems):
            known = experience_text(experience(view, ())) or "No experience yet."
            return [{"role": "system", "content": self.system(view.spec)}, {"role": "user", "content": known}]
        first = problems[view.round - 1].every[0]
        return build_problem_messages(view, (), first, ())

    async def decide(self, view: SeatView, asking: Asking) -> SeatDecision:
        """Return the seat's policy on the round's complex problem, with the solutions of all its problems."""
        return await solve_round(view, asking)

    def exchanges(self, view: SeatView, reply: str | None, solutions: Sequence[Solution]) -> list[Exchange]:
        """Return the steps of the round's problems, one conversation after the other."""
        del reply  # the last solution's
        return round_exchanges(view, solutions)

    def settle(self, spec: EpisodeSpec, played: PlayedRound) -> Outcome:
        """Charge each seat the costs of all its problems; the reward is minus that, in cost units."""
        del spec
        capital = played.before or no_income(len(played.actions_A))
        spent = [sum(solution.cost for solution in solutions) for solutions in played.solutions_A]
        cost_A = np.array(spent or np.zeros(len(played.actions_A)), dtype=float)
        return Outcome(None, 0.0 - cost_A, capital, add_income(capital, -cost_A))


ENVIRONMENT = ToolUsageEnvironment()
