"""Mixed populations: one string gives the seats of a game to different checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from atp_ray.checkpoint.profiles import Profile, checkpoint_kind
from atp_ray.errors import UsageError
from atp_ray.measures.rates import FIXED_CHECKPOINTS
from atp_ray.play.cells import CheckpointKind

_EXAMPLE = 'Example: "qwen3-8b:5,qwen3-8b-ma-grpo:3"'


class PopulationPart(NamedTuple):
    """A checkpoint and how many neighbouring seats it takes."""

    checkpoint: str
    seats: int


def parse_population(text: str) -> tuple[PopulationPart, ...]:
    """Read `NAME:COUNT,NAME:COUNT`; a name may hold colons of its own (`policy:collude:2`).

    Raises:
        UsageError: a part has no count of at least 1, or no name.
    """
    parts = []
    for piece in text.split(","):
        name, _, count = piece.strip().rpartition(":")
        if not name or not count.isdecimal() or int(count) < 1:
            raise UsageError(f"'{piece.strip()}' is not CHECKPOINT:COUNT", "population", _EXAMPLE)
        parts.append(PopulationPart(name, int(count)))
    return tuple(parts)


def population_kind(profiles: Sequence[Profile]) -> CheckpointKind:
    """Return what results of a population are about; one small or analytic learner makes them about nothing more."""
    learners = [profile for profile in profiles if profile.name not in FIXED_CHECKPOINTS] or list(profiles)
    kinds = {checkpoint_kind(profile) for profile in learners}
    for weakest in ("embedded", "policy", "fitted"):
        if weakest in kinds:
            return weakest
    return kinds.pop() if len(kinds) == 1 else "mixed"
