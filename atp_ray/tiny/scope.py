"""What a small checkpoint is trained on: every shipped scenario of its paradigms, and the bounds of the numbers."""

from __future__ import annotations

from atp_ray.checkpoint.scope import TrainingScope, scenario_digest
from atp_ray.paradigms.paradigm import Paradigm
from atp_ray.paradigms.registry import paradigms
from atp_ray.play.cells import Embedded
from atp_ray.play.prompts import LAYOUT_VERSION


def taught(checkpoint: str) -> list[Paradigm]:
    """Return the paradigms that a small checkpoint is taught, in the order of the registry."""
    return [room for room in paradigms() if room.teaching.learner == checkpoint]


def shipped_scope(checkpoint: Embedded = "tiny") -> TrainingScope:
    """Return the scope that training a checkpoint on every shipped scenario gives."""
    rooms = taught(checkpoint)
    scenarios = [room.design.scenario(name) for room in rooms for name in room.design.scenario_names()]
    bounds = {key: value for room in rooms for key, value in room.teaching.bounds().model_dump(mode="json").items()}
    return TrainingScope.model_validate(
        {
            "layout_version": LAYOUT_VERSION,
            "scenarios": {scenario.name: scenario_digest(scenario) for scenario in scenarios},
            "checkpoint": checkpoint,
            **bounds,
        }
    )
