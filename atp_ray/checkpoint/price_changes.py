"""How a command line prices tokens, whatever the profiles say: `--set price.input=0.15 --set price.output=0.6`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from atp_ray.checkpoint.profiles import Modelless, Profile, TokenPrice
from atp_ray.config_files import Frozen, parse_model, parse_setting
from atp_ray.errors import UsageError

PART = "price"


class _PriceSettings(Frozen):
    price: dict[str, Any] = Field(default_factory=dict)


def split_prices(settings: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the settings that are prices, and the others."""
    prices = tuple(text for text in settings if text.strip().startswith(f"{PART}."))
    return prices, tuple(text for text in settings if text not in prices)


def with_prices(profiles: Mapping[str, Profile], settings: Sequence[str]) -> dict[str, Profile]:
    """Return the profiles with `price.KEY=VALUE` in place of their own prices; policies cost nothing and stay.

    Raises:
        UsageError: no such key, no number, or only one of the two prices is known.
    """
    changed: dict[str, Any] = {}
    for text in settings:
        parse_setting(text, _PriceSettings).put(changed)
    values = changed.get(PART)
    return {name: _priced(profile, values) if values else profile for name, profile in profiles.items()}


def with_recorded_prices(profiles: Mapping[str, Profile], recorded: Any) -> dict[str, Profile]:
    """Return the profiles with the prices that a run began with, where they have none of their own.

    Args:
        recorded: the profiles as `run.json` holds them, by the name that was asked for.
    """
    known = recorded if isinstance(recorded, Mapping) else {}

    def priced(name: str, profile: Profile) -> Profile:
        before = known.get(name)
        values = before.get(PART) if isinstance(before, Mapping) else None
        return profile if not values or getattr(profile, PART, None) is not None else _priced(profile, values)

    return {name: priced(name, profile) for name, profile in profiles.items()}


def _priced(profile: Profile, values: Mapping[str, Any]) -> Profile:
    if isinstance(profile, Modelless):
        return profile
    before = profile.price.model_dump() if profile.price is not None else {}
    try:
        price = parse_model(TokenPrice, before | dict(values), f"--set {PART}")
    except UsageError as error:
        hint = "Give dollars per million tokens: --set price.input=0.15 --set price.output=0.6"
        raise UsageError(error.what, error.where, hint) from error
    return profile.model_copy(update={PART: price})
