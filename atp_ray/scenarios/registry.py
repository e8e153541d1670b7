"""Find scenarios by name: the shipped YAML files, a YAML path, or a file of the reference implementation."""

from __future__ import annotations

from pathlib import Path

from atp_ray.config_files import config_names, load_config
from atp_ray.errors import UsageError
from atp_ray.scenarios.games import GameScenario, ImportedGame
from atp_ray.scenarios.upstream import load_upstream

UPSTREAM_PREFIX = "upstream:"


def scenario_names() -> list[str]:
    """Return the names of the shipped scenarios."""
    return config_names("scenarios")


def load_scenario(name: str) -> GameScenario:
    """Load one scenario by shipped name or by the path of a YAML file.

    Raises:
        UsageError: nothing of that name, or the file is invalid; names file, key and reason.
    """
    return load_config("scenarios", name, GameScenario)


def load_scenarios(selection: str) -> list[GameScenario | ImportedGame]:
    """Load the scenarios `selection` names: `all`, a comma-separated list, or `upstream:FILE`.

    Raises:
        UsageError: as `load_scenario`, or the selection is empty.
    """
    if selection.startswith(UPSTREAM_PREFIX):
        return list(load_upstream(Path(selection.removeprefix(UPSTREAM_PREFIX))))
    names = scenario_names() if selection == "all" else [name.strip() for name in selection.split(",") if name.strip()]
    if not names:
        raise UsageError("no scenario selected", "--scenarios", "Name one or more, or use 'all'")
    return [load_scenario(name) for name in names]
