"""Which paradigms there are, and where each one's room is.

The four shipped ones are listed here. Others are found without a change: an installed package names its room in the
entry point group `atp_ray.paradigms`, and the environment variable ATP_RAY_PARADIGMS (`name=package,...`) names rooms
for one run. Rooms are imported when they are first asked for, so an agent pays for the one it plays.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from atp_ray.errors import UsageError, suggestion

if TYPE_CHECKING:
    from atp_ray.paradigms.paradigm import Paradigm
    from atp_ray.play.scenario import Numbers, Scenario

ROOMS = {
    "games": "atp_ray.paradigms.games",
    "role_play": "atp_ray.paradigms.role_play",
    "tool_usage": "atp_ray.paradigms.tool_usage",
    "conventions": "atp_ray.paradigms.conventions",
}
DEFAULT = "games"  # where nothing names a paradigm, and in results from before there were others
VARIABLE, GROUP = "ATP_RAY_PARADIGMS", "atp_ray.paradigms"


def paradigm_names() -> list[str]:
    """Return the names of all paradigms, the shipped ones first."""
    return list(_rooms(os.environ.get(VARIABLE, "")))


def paradigms() -> list[Paradigm]:
    """Return all paradigms, the shipped ones first."""
    return [paradigm(name) for name in paradigm_names()]


def paradigm(name: str) -> Paradigm:
    """Return the paradigm of that name.

    Raises:
        UsageError: there is none (with a suggestion).
    """
    rooms = _rooms(os.environ.get(VARIABLE, ""))
    if name not in rooms:
        raise UsageError(f"unknown paradigm '{name}'", hint=suggestion(name, rooms))
    return _opened(name, rooms[name])


def scenario_model(kind: str) -> type[Scenario]:
    """Return the model of the scenarios of that kind.

    Raises:
        ValueError: no paradigm has such scenarios.
    """
    for room in paradigms():
        for model in room.environment.scenario_models:
            if model.model_fields["kind"].default == kind:
                return model
    raise ValueError(f"unknown kind of scenario '{kind}'")


def numbers_model(name: str) -> type[Numbers]:
    """Return the model of a paradigm's numbers.

    Raises:
        ValueError: there is no such paradigm.
    """
    if name not in paradigm_names():
        raise ValueError(f"unknown paradigm '{name}'")
    return paradigm(name).environment.numbers_model


@cache
def _rooms(listed: str) -> dict[str, str]:
    """Return the package of each paradigm's room by name; `listed` is the variable's value."""
    installed = [(point.name, point.value) for point in entry_points(group=GROUP)]
    pairs = [entry.partition("=")[::2] for entry in listed.split(",") if entry.strip()]
    added = [(name.strip(), package.strip()) for name, package in (*installed, *pairs)]
    for name, package in added:
        if not name.isidentifier() or not package:
            raise UsageError(f"'{name}={package}' is not NAME=PACKAGE", VARIABLE, "Example: toy=my_package.toy")
        if name in ROOMS:
            raise UsageError(f"'{name}' is a paradigm of the project's own", VARIABLE, "Choose another name")
    return ROOMS | dict(added)


@cache
def _opened(name: str, package: str) -> Paradigm:
    from atp_ray.paradigms.paradigm import Paradigm

    return Paradigm(name, package)
