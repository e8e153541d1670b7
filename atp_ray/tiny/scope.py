"""What a checkpoint was trained on; asked for anything else it refuses with one clear line instead of babbling."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import Field, ValidationError

from atp_ray.config_files import Frozen
from atp_ray.episodes import EpisodeSpec, Visibility
from atp_ray.errors import ScopeError, UsageError
from atp_ray.prompts import LAYOUT_VERSION
from atp_ray.scenarios.games import GameScenario, ImportedGame
from atp_ray.scenarios.registry import load_scenarios

SCOPE_FILE = "atp_scope.json"


class TrainingScope(Frozen):
    """The prompts a checkpoint has seen: wordings by digest, layouts, and the ranges of the numbers in them."""

    layout_version: int
    scenarios: dict[str, str] = Field(description="Digest of every scenario trained on, by name.")
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
        game, scenario = spec.parameters, spec.scenario
        if self.layout_version != LAYOUT_VERSION:
            return f"prompt layout {LAYOUT_VERSION} (it knows layout {self.layout_version})"
        if self.scenarios.get(scenario.name) != scenario_digest(scenario):
            return f"the wording of scenario '{scenario.name}'"
        most = self.most_agents.get(spec.visibility, 0)
        if game.n_agents > most:
            cure = "" if spec.visibility == "counts" else "; try --set visibility=counts"
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


def shipped_scope() -> TrainingScope:
    """Return the scope that training on every shipped scenario gives."""
    return TrainingScope(
        layout_version=LAYOUT_VERSION,
        scenarios={scenario.name: scenario_digest(scenario) for scenario in load_scenarios("all")},
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


def scenario_digest(scenario: GameScenario | ImportedGame) -> str:
    """Return 16 hexadecimal digits that change with any word of the scenario."""
    return hashlib.sha256(scenario.model_dump_json().encode()).hexdigest()[:16]
