"""What the small checkpoint is trained on: every shipped scenario, and the bounds of the numbers."""

from __future__ import annotations

from atp_ray.checkpoint.scope import TrainingScope, scenario_digest
from atp_ray.paradigms.registry import paradigms
from atp_ray.play.prompts import LAYOUT_VERSION


def shipped_scope() -> TrainingScope:
    """Return the scope that training on every shipped scenario gives."""
    taught = [room for room in paradigms() if room.teaching.share]
    scenarios = [room.design.scenario(name) for room in taught for name in room.design.scenario_names()]
    bounds = {key: value for room in taught for key, value in room.teaching.bounds().items()}
    return TrainingScope.model_validate(
        {
            "layout_version": LAYOUT_VERSION,
            "scenarios": {scenario.name: scenario_digest(scenario) for scenario in scenarios},
            **bounds,
        }
    )
