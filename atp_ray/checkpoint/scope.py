"""What a checkpoint was trained on; asked for anything else it refuses with one clear line instead of babbling."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atp_ray.checkpoint.profiles import FittedProfile, ModelProfile, Profile
from atp_ray.config_files import ModelT, added, parse_model
from atp_ray.errors import ScopeError, UsageError
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.responding import FittedRun
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.prompts import LAYOUT_VERSION
from atp_ray.play.scenario import Scenario

SCOPE_FILE = "atp_scope.json"
_NOT_TRAINED = "the small checkpoint was not trained on"
OTHERS = "a real checkpoint or policy:quantal for it"


class TrainingScope(BaseModel):
    """The prompts a checkpoint has seen: wordings by digest, layouts, and the ranges of the numbers in them.

    Beside the fields lie the bounds of the paradigms that it was taught; each room reads its own with `bounds`.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    layout_version: int
    scenarios: dict[str, str] = Field(description="Digest of every scenario trained on, by name.")
    checkpoint: str = added("tiny", "The small checkpoint that was trained.")

    def bounds(self, model: type[ModelT]) -> ModelT:
        """Return one paradigm's bounds.

        Raises:
            UsageError: the scope has none.
        """
        known = {name: value for name, value in (self.model_extra or {}).items() if name in model.model_fields}
        return parse_model(model, known, f"{SCOPE_FILE} of {self.checkpoint}")

    def check(self, spec: EpisodeSpec) -> None:
        """Refuse an episode whose prompts were not trained on.

        Raises:
            ScopeError: names what is outside and what to do.
        """
        learner = paradigm(spec.paradigm).teaching.learner
        if learner != self.checkpoint:
            hint = f"Use {f'{learner}, ' if learner else ''}{OTHERS}"
            raise ScopeError(f"{_NOT_TRAINED} {paradigm(spec.paradigm).title}", self.checkpoint, hint)
        if (problem := self._problem(spec)) is not None:
            hint = f"Use {OTHERS}, or retrain: python -m atp_ray.checkpoints build {self.checkpoint}"
            raise ScopeError(f"{_NOT_TRAINED} {problem}", self.checkpoint, hint)

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
    """Refuse an episode of another paradigm than the response was fitted to, or of its own that it cannot play.

    Raises:
        ScopeError: names both.
    """
    if profile.paradigm != spec.paradigm:
        what = f"was fitted to {profile.paradigm} and cannot play {spec.paradigm}"
        raise ScopeError(what, profile.name, f"Fit a response to a run of {spec.paradigm}")
    response = _fitted_run(profile.paradigm, profile.response, profile.name)
    if (problem := paradigm(spec.paradigm).responding.outside(response, spec)) is not None:
        raise ScopeError(problem, profile.name, "Play what it was fitted to, or fit another one")


@lru_cache(maxsize=8)  # a grid has many episodes
def _fitted_run(paradigm_name: str, text: str, name: str) -> FittedRun:
    return paradigm(paradigm_name).responding.read(text, name)


def scenario_digest(scenario: Scenario) -> str:
    """Return 16 hexadecimal digits that change with any word of the scenario."""
    return hashlib.sha256(scenario.wording().model_dump_json().encode()).hexdigest()[:16]
