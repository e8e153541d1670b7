"""What a checkpoint was trained on; asked for anything else it refuses with one clear line instead of babbling."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from pydantic import Field, ValidationError

from atp_ray.config_files import Frozen
from atp_ray.episodes import EpisodeSpec, Visibility
from atp_ray.errors import ScopeError, UsageError
from atp_ray.paradigms import Paradigm
from atp_ray.problem_pools.generated import SOURCE
from atp_ray.prompts import LAYOUT_VERSION
from atp_ray.scenarios.prompt_sets import BASE_STEPS, INCOME_RATIOS
from atp_ray.scenarios.registry import Scenario, load_games, load_role_plays, load_tool_scenario, scenario_names

SCOPE_FILE = "atp_scope.json"


class TrainingScope(Frozen):
    """The prompts a checkpoint has seen: wordings by digest, layouts, and the ranges of the numbers in them."""

    layout_version: int
    scenarios: dict[str, str] = Field(description="Digest of every scenario trained on, by name.")
    longest_window_role_play: int
    income_ratio: tuple[float, float] = Field(description="Least and largest high / low of role-play.")
    incomes: tuple[float, float] = Field(description="Least and largest low, relative to the scenario's base income.")
    problem_sources: tuple[str, ...]
    costs: tuple[float, float] = Field(description="Cost units of the tool and of reasoning directly.")
    most_agents: dict[Visibility, int] = Field(description="Largest n for each visibility mode.")
    longest_window: int
    high: tuple[float, float]
    low: tuple[float, float]

    def check(self, spec: EpisodeSpec) -> None:
        """Refuse an episode whose prompts were not trained on.

        Raises:
            ScopeError: names what is outside and what to do.
        """
        problem = self._problem(spec)
        if problem is not None:
            hint = (
                "Use a real checkpoint or policy:quantal for it, or retrain: python -m atp_ray.checkpoints build tiny"
            )
            raise ScopeError(f"the small checkpoint was not trained on {problem}", "tiny", hint)

    def _problem(self, spec: EpisodeSpec) -> str | None:
        if self.layout_version != LAYOUT_VERSION:
            return f"prompt layout {LAYOUT_VERSION} (it knows layout {self.layout_version})"
        if self.scenarios.get(spec.scenario.name) != scenario_digest(spec.scenario):
            return f"the wording of scenario '{spec.scenario.name}'"
        checks: dict[Paradigm, Callable[[EpisodeSpec], str | None]] = {
            "games": self._game_problem,
            "role_play": self._role_play_problem,
            "tool_usage": self._tool_problem,
        }
        return checks[spec.paradigm](spec)

    def _game_problem(self, spec: EpisodeSpec) -> str | None:
        game = spec.game.parameters
        most = self.most_agents.get(spec.visibility, 0)
        if game.n_agents > most:
            helps = game.n_agents <= self.most_agents.get("counts", 0)
            cure = "; try --set visibility=counts" if helps else ""
            return f"visibility '{spec.visibility}' with n = {game.n_agents} (at most {most}{cure})"
        if spec.history_window > self.longest_window:
            return f"a history window of {spec.history_window} rounds (at most {self.longest_window})"
        payoffs = game.payoffs
        inside = self.high[0] <= payoffs.high <= self.high[1] and self.low[0] <= payoffs.low <= self.low[1]
        if not inside or payoffs.medium != 1 or game.rule.base != 1:
            return (
                f"rewards {payoffs.high:g}, {payoffs.medium:g}, {payoffs.low:g} with base {game.rule.base:g} "
                f"(high {self.high[0]:g}..{self.high[1]:g}, medium 1, low {self.low[0]:g}..{self.low[1]:g}, base 1)"
            )
        return None

    def _role_play_problem(self, spec: EpisodeSpec) -> str | None:
        scenario, numbers = spec.role_play
        if spec.history_window > self.longest_window_role_play:
            return f"a history window of {spec.history_window} rounds (at most {self.longest_window_role_play})"
        scale, ratio = numbers.low / scenario.base_income, numbers.high / numbers.low
        low, high = self.income_ratio
        if not self.incomes[0] <= scale <= self.incomes[1] or not low - 0.02 <= ratio <= high + 0.02:
            return f"incomes {numbers.low:g} and {numbers.high:g} (high / low {low:g}..{high:g})"
        return None

    def _tool_problem(self, spec: EpisodeSpec) -> str | None:
        numbers = spec.tool_usage.parameters
        if (numbers.tool_cost, numbers.direct_cost) != self.costs:
            return (
                f"costs {numbers.tool_cost:g} and {numbers.direct_cost:g} (only {self.costs[0]:g}, {self.costs[1]:g})"
            )
        problems = (problem for played in numbers.problems for problem in (*played.simple, *played.complex))
        foreign = {problem.source for problem in problems} - set(self.problem_sources)
        return f"problems from {sorted(foreign)[0]} (only {', '.join(self.problem_sources)})" if foreign else None


def shipped_scope() -> TrainingScope:
    """Return the scope that training on every shipped scenario gives."""
    return TrainingScope(
        layout_version=LAYOUT_VERSION,
        scenarios={
            scenario.name: scenario_digest(scenario)
            for scenario in (
                *load_games(),
                *load_role_plays(),
                *(load_tool_scenario(name) for name in scenario_names("tool_usage")),
            )
        },
        longest_window_role_play=5,
        income_ratio=(INCOME_RATIOS[0], INCOME_RATIOS[-1]),
        incomes=(BASE_STEPS[0], BASE_STEPS[-1]),
        problem_sources=(SOURCE,),
        costs=(3.0, 1.0),
        most_agents={"choices": 16, "replies": 16, "counts": 4096},
        longest_window=3,
        high=(1.05, 2.0),
        low=(0.0, 0.95),
    )


def load_scope(folder: Path) -> TrainingScope | None:
    """Return the scope of the checkpoint in `folder`, None where it has none (any ordinary checkpoint).

    Raises:
        UsageError: the scope file is damaged.
    """
    path = folder / SCOPE_FILE
    if not path.is_file():
        return None
    try:
        return TrainingScope.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise UsageError("cannot be read", str(path), "Build the checkpoint again") from error


def scenario_digest(scenario: Scenario) -> str:
    """Return 16 hexadecimal digits that change with any word of the scenario."""
    return hashlib.sha256(scenario.model_dump_json().encode()).hexdigest()[:16]
