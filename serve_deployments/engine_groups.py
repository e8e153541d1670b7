"""Which checkpoints share an engine: a base model and the LoRA adapters on it are served by one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from atp_ray.checkpoint.profiles import ModelProfile


class EngineGroup(NamedTuple):
    """One engine: the profile it is started by, under which name, and all profiles it serves."""

    model_id: str
    base: ModelProfile
    members: tuple[ModelProfile, ...]

    @property
    def adapters(self) -> tuple[ModelProfile, ...]:
        """The members that are adapters."""
        return tuple(profile for profile in self.members if profile.adapter)

    @property
    def key(self) -> str:
        """Return what engines of the same base weights, engine and deployment settings have in common."""
        base = self.base
        parts = (
            base.source,
            base.hub_revision,
            base.revision,
            base.engine.model_dump_json(),
            base.deployment.model_dump_json(),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]

    @property
    def adapters_key(self) -> str:
        """Return what engines of the same adapters have in common; empty without adapters."""
        if not self.adapters:
            return ""
        return "-" + hashlib.sha256("\n".join(map(self.adapter_key, self.adapters)).encode()).hexdigest()[:8]

    @staticmethod
    def adapter_key(profile: ModelProfile) -> str:
        """Return which adapter a profile is, whatever it is called."""
        return f"{profile.adapter}@{profile.revision}"

    def adapter_name(self, profile: ModelProfile) -> str | None:
        """Return the name of a profile's adapter in the engine (`BASE:NAME`), None for the base itself."""
        return f"{self.model_id}:{profile.name}" if profile.adapter else None


def engine_groups(profiles: Iterable[ModelProfile]) -> list[EngineGroup]:
    """Group profiles by base weights, engine and deployment, in the order in which they first come.

    Profiles of the same weights that differ in sampling only share an engine too; it goes by the first one's name.
    """
    members: dict[tuple[object, ...], list[ModelProfile]] = {}
    for profile in profiles:
        key = (profile.source, profile.hub_revision, profile.engine, profile.deployment)
        members.setdefault(key, []).append(profile)
    return [_group(group) for group in members.values()]


def engine_count(profiles: Iterable[ModelProfile]) -> int:
    """Return how many engines a Ray on one machine makes room for: replicas that are asked for, else one a group."""
    return sum(group.base.deployment.min_replicas or 1 for group in engine_groups(profiles))


def _group(profiles: list[ModelProfile]) -> EngineGroup:
    ordered = tuple(sorted(profiles, key=lambda profile: (profile.adapter is not None, profile.name)))
    bases = [profile for profile in profiles if not profile.adapter]
    if bases:
        return EngineGroup(bases[0].name, bases[0], ordered)
    # Nobody asked for the base itself; its source is a name no other base has.
    base = profiles[0].model_copy(update={"name": profiles[0].source.strip("/"), "adapter": None, "revision": ""})
    return EngineGroup(base.name, base, ordered)
