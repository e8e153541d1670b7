"""The analytic teacher of the `tiny` checkpoint in tool usage; it solves nothing and so is no player.

It is *not* from the paper: a logistic rule whose constants make an agent drop the tool more often as its own experience
says that this pays.
"""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import expit

from atp_ray.config_files import Frozen
from atp_ray.play.problems import Difficulty, Solution


class ToolResponse(Frozen):
    """When an agent reasons directly instead of paying for the tool; dimensionless, in log-odds."""

    reluctance: float = -0.7
    simple_pull: float = 1.0
    direct_right: float = 0.6  # for each problem solved without the tool
    tool_right: float = -0.2
    wrong: float = -0.6  # for each wrong answer given without the tool in the running round
    most: int = 6

    def direct_probability(self, known: Sequence[Solution], difficulty: Difficulty) -> float:
        """Return the probability of reasoning directly, given what is known from experience."""
        counts = strategy_counts(known)
        log_odds = (
            self.reluctance
            + (self.simple_pull if difficulty == "simple" else 0.0)
            + self.direct_right * min(counts[0], self.most)
            + self.tool_right * min(counts[1], self.most)
            + self.wrong * counts[2]
        )
        return float(expit(log_odds))


def strategy_counts(known: Sequence[Solution]) -> tuple[int, int, int]:
    """Return how many problems went right directly, how many right with the tool, and how many wrong directly."""
    direct = sum(solution.correct and not solution.used_tool for solution in known)
    tool = sum(solution.correct and solution.used_tool for solution in known)
    wrong = sum(not solution.correct and not solution.used_tool for solution in known)
    return direct, tool, wrong
