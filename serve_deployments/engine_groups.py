"""Which checkpoints share an engine: a base model and the LoRA adapters on it are served by one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from atp_ray.checkpoint_profiles import ModelProfile


class EngineGroup(NamedTuple):
    """One engine: the base model it loads, under which name, and the profiles of the adapters on it."""

    model_id: str
    base: ModelProfile
    adapters: tuple[ModelProfile, ...] = ()
    base_is_implied: bool = False

    @property
    def members(self) -> tuple[ModelProfile, ...]:
        """All profiles that were asked for; the base is one only where it was."""
        return self.adapters if self.base_is_implied else (self.base, *self.adapters)

    def adapter_name(self, profile: ModelProfile) -> str | None:
        """Return the name of a profile's adapter in the engine (`BASE:NAME`), None for the base itself."""
        return f"{self.model_id}:{profile.name}" if profile.adapter else None


def engine_groups(profiles: Iterable[ModelProfile]) -> list[EngineGroup]:
    """Group profiles by base weights, engine and deployment, in the order in which they first come."""
    members: dict[tuple[object, ...], list[ModelProfile]] = {}
    for profile in profiles:
        key = (profile.source, _base_revision(profile), profile.engine, profile.deployment)
        members.setdefault(key, []).append(profile)
    return [_group(group) for group in members.values()]


def _group(profiles: list[ModelProfile]) -> EngineGroup:
    bases = [profile for profile in profiles if not profile.adapter]
    adapters = tuple(sorted((profile for profile in profiles if profile.adapter), key=lambda profile: profile.name))
    if bases:
        return EngineGroup(bases[0].name, bases[0], adapters)
    base = profiles[0].model_copy(update={"name": Path(profiles[0].source).name, "adapter": None})
    return EngineGroup(base.name, base, adapters, base_is_implied=True)


def _base_revision(profile: ModelProfile) -> str:
    # The revision of a local checkpoint digests its adapter too; its folder says which base it is.
    return "" if Path(profile.source).is_absolute() else profile.revision
