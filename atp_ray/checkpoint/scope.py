"""What a checkpoint was trained on; asked for anything else it refuses with one clear line instead of babbling."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from atp_ray.checkpoint.profiles import FittedProfile, ModelProfile, Profile
from atp_ray.config_files import Frozen
from atp_ray.errors import ScopeError, UsageError
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, Visibility
from atp_ray.play.prompts import LAYOUT_VERSION
from atp_ray.play.scenario import Scenario

SCOPE_FILE = "atp_scope.json"
RETRAIN = "Use a real checkpoint or policy:quantal for it, or retrain: python -m atp_ray.checkpoints build tiny"


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
        if (problem := self._problem(spec)) is not None:
            raise ScopeError(f"the small checkpoint was not trained on {problem}", "tiny", RETRAIN)

    def _problem(self, spec: EpisodeSpec) -> str | None:
        if self.layout_version != LAYOUT_VERSION:
            return f"prompt layout {LAYOUT_VERSION} (it knows layout {self.layout_version})"
        if self.scenarios.get(spec.scenario.name) != scenario_digest(spec.scenario):
            return f"the wording of scenario '{spec.scenario.name}'"
        if spec.talk or spec.probes:
            return "messages before decisions" if spec.talk else "probes"
        return paradigm(spec.paradigm).teaching.outside(spec, self)


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


def check_scope(cells: Sequence[CellSpec], profiles: Iterable[Profile]) -> None:
    """Refuse what a checkpoint with a training scope was not trained on.

    Raises:
        ScopeError: names what is outside and what to do.
    """
    scopes = {
        profile.name: scope
        for profile in profiles
        if isinstance(profile, ModelProfile) and (scope := load_scope(Path(profile.source))) is not None
    }
    fitted = {profile.name: profile for profile in profiles if isinstance(profile, FittedProfile)}
    for cell in cells:
        for episode in cell.episodes:
            for name in {group.checkpoint for group in episode.seats}:
                if name in scopes:
                    scopes[name].check(episode)
                elif name in fitted:
                    require_fitted_to(fitted[name], episode)


def require_fitted_to(profile: FittedProfile, spec: EpisodeSpec) -> None:
    """Refuse an episode of another paradigm than the response was fitted to.

    Raises:
        ScopeError: names both.
    """
    if profile.paradigm != spec.paradigm:
        what = f"was fitted to {profile.paradigm} and cannot play {spec.paradigm}"
        raise ScopeError(what, profile.name, f"Fit a response to a run of {spec.paradigm}")


def scenario_digest(scenario: Scenario) -> str:
    """Return 16 hexadecimal digits that change with any word of the scenario."""
    return hashlib.sha256(scenario.model_dump_json().encode()).hexdigest()[:16]
