"""How a command line changes what an engine is run with, whatever checkpoint it serves; episodes stay the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from atp_ray.checkpoint.profiles import ModelProfile, Profile
from atp_ray.config_files import Frozen, Setting, parse_model, parse_setting
from atp_ray.errors import UsageError

PARTS = ("engine", "deployment")


class EngineChange(Frozen):
    """Values that replace those of every checkpoint's profile, by field."""

    engine: dict[str, Any] = Field(default_factory=dict)
    deployment: dict[str, Any] = Field(default_factory=dict)

    def apply(self, profiles: Mapping[str, Profile]) -> dict[str, Profile]:
        """Return the profiles with these values; endpoints and policies have no engine and stay as they are.

        Raises:
            UsageError: no such field (with a suggestion), or a value out of range.
        """
        return {name: self._applied(profile) for name, profile in profiles.items()}

    def _applied(self, profile: Profile) -> Profile:
        if not isinstance(profile, ModelProfile):
            return profile
        changed = {}
        for part in PARTS:
            if values := getattr(self, part):
                before = getattr(profile, part)
                changed[part] = parse_model(type(before), before.model_dump() | values, f"--set {part}")
        return profile.model_copy(update=changed)


def engine_change(
    settings: Sequence[str],
    replicas: int | None = None,
    tensor_parallel: int | None = None,
    max_model_len: int | None = None,
) -> EngineChange:
    """Return what flags and `engine.KEY=VALUE`, `deployment.KEY=VALUE` change; a flag wins over a setting.

    Raises:
        UsageError: a setting is of neither part, or not of that form.
    """
    changed: dict[str, Any] = {}
    for text in settings:
        _setting(text).put(changed)
    flags = {
        "engine": {"tensor_parallel_size": tensor_parallel, "max_model_len": max_model_len},
        "deployment": {"min_replicas": replicas, "max_replicas": replicas},
    }
    for part, values in flags.items():
        given = {name: value for name, value in values.items() if value is not None}
        changed[part] = changed.get(part, {}) | given
    return parse_model(EngineChange, changed, "--set")


def split_settings(settings: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the settings that are for engines, and the others."""
    engines = tuple(text for text in settings if text.strip().startswith(tuple(f"{part}." for part in PARTS)))
    return engines, tuple(text for text in settings if text not in engines)


def _setting(text: str) -> Setting:
    setting = parse_setting(text, EngineChange)
    if not setting.rest:
        raise UsageError(f"'{text}' is not {setting.key}.KEY=VALUE", "--set", "Example: --set engine.max_num_seqs=64")
    return setting
