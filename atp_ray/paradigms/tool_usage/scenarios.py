"""Tool usage (paper section 3.1.2): maths problems, to be computed with a dear tool or reasoned out cheaply."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from atp_ray.config_files import Frozen
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.problems import Problem
from atp_ray.play.scenario import Numbers, Scenario
from atp_ray.play.wording import Words, number

TOOL_OPEN, TOOL_CLOSE = "<tool>", "</tool>"
OUTPUT_OPEN, OUTPUT_CLOSE = "<output>", "</output>"


class RoundProblems(Frozen):
    """The problems of one round: simple ones first, for experience, then the complex ones that are evaluated."""

    simple: tuple[Problem, ...] = ()
    complex: tuple[Problem, ...] = Field(min_length=1, max_length=1)

    @property
    def every(self) -> tuple[Problem, ...]:
        """All problems in the order in which they are solved."""
        return (*self.simple, *self.complex)


class ToolNumbers(Numbers):
    """Costs in units per problem, bounds on tool calls, and the problems of every round."""

    kind: Literal["tool_usage"] = "tool_usage"
    n_agents: Literal[1] = 1
    tool_cost: float = Field(default=3.0, ge=0)
    direct_cost: float = Field(default=1.0, ge=0)
    most_calls: int = Field(default=3, ge=1, le=20, description="Tool calls allowed per problem.")
    problems: tuple[RoundProblems, ...] = Field(min_length=1)

    def planned_rounds(self) -> int:
        """Return how many rounds there are problems for."""
        return len(self.problems)


class ToolScenario(Scenario):
    """How the agent is told about its task, its tool and its costs; `{tool_cost}` and `{direct_cost}` are filled in."""

    paradigm: ClassVar[str] = "tool_usage"
    kind: Literal["tool_usage"] = "tool_usage"
    persona: Words
    rules: Words
    answer_instruction: Words

    @property
    def options(self) -> tuple[str, str]:
        """The two policies, the deviant one (to save the tool's cost) first."""
        return ("reason directly", "use the tool")

    def system(self, parameters: ToolNumbers) -> str:
        """Return the system message: task, tool and costs."""
        costs = {"tool_cost": number(parameters.tool_cost), "direct_cost": number(parameters.direct_cost)}
        return f"{self.persona} {self.rules.format(**costs)}"

    def question(self, problem: Problem) -> str:
        """Return one problem with the instruction how to answer."""
        return f"Problem: {problem.text}\n{self.answer_instruction}"


class ToolUsage(NamedTuple):
    """A tool-usage scenario with its costs and problems."""

    scenario: ToolScenario
    numbers: ToolNumbers


def tool_usage_of(spec: EpisodeSpec) -> ToolUsage:
    """Return the tool usage an episode plays.

    Raises:
        TypeError: the episode is of another paradigm.
    """
    if isinstance(spec.scenario, ToolScenario) and isinstance(spec.parameters, ToolNumbers):
        return ToolUsage(spec.scenario, spec.parameters)
    raise TypeError(f"{spec.paradigm} is not tool usage")
