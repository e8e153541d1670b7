"""Find scenarios by name: the shipped YAML files, a YAML path, or a file of the reference implementation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

from atp_ray.config_files import config_names, load_config
from atp_ray.errors import UsageError
from atp_ray.paradigms import Paradigm
from atp_ray.scenarios.games import GameScenario, ImportedGame
from atp_ray.scenarios.role_play import ImportedRolePlay, RolePlayScenario
from atp_ray.scenarios.tool_usage import ToolScenario
from atp_ray.scenarios.upstream import load_upstream

UPSTREAM_PREFIX = "upstream:"
ImportedT = TypeVar("ImportedT", ImportedGame, ImportedRolePlay)

Scenario = Annotated[
    GameScenario | ImportedGame | RolePlayScenario | ImportedRolePlay | ToolScenario, Field(discriminator="kind")
]


def scenario_names(paradigm: Paradigm = "games") -> list[str]:
    """Return the names of a paradigm's shipped scenarios."""
    return config_names(f"scenarios/{paradigm}")


def load_game(name: str) -> GameScenario:
    """Load one coordination game by shipped name or by the path of a YAML file.

    Raises:
        UsageError: nothing of that name, or the file is invalid; names file, key and reason.
    """
    return load_config("scenarios/games", name, GameScenario)


def load_role_play(name: str) -> RolePlayScenario:
    """Load one role-play environment, as `load_game`."""
    return load_config("scenarios/role_play", name, RolePlayScenario)


def load_tool_scenario(name: str) -> ToolScenario:
    """Load one tool-usage scenario, as `load_game`."""
    return load_config("scenarios/tool_usage", name, ToolScenario)


def load_games(selection: str = "all") -> list[GameScenario | ImportedGame]:
    """Load the games `selection` names: `all`, a comma-separated list, or `upstream:FILE`.

    Raises:
        UsageError: as `load_game`, the selection is empty, or the file holds role-play environments.
    """
    if selection.startswith(UPSTREAM_PREFIX):
        return [*_imported(ImportedGame, selection, "role-play environments", "--grid table1")]
    return [load_game(name) for name in _selected(selection, "games")]


def load_role_plays(selection: str = "all") -> list[RolePlayScenario | ImportedRolePlay]:
    """Load the role-play environments `selection` names, as `load_games`.

    Raises:
        UsageError: as `load_games`, or the file holds games.
    """
    if selection.startswith(UPSTREAM_PREFIX):
        return [*_imported(ImportedRolePlay, selection, "games", "--grid figure3")]
    return [load_role_play(name) for name in _selected(selection, "role_play")]


def _imported(kind: type[ImportedT], selection: str, others: str, grid: str) -> list[ImportedT]:
    imported = load_upstream(Path(selection.removeprefix(UPSTREAM_PREFIX)))
    found = [scenario for scenario in imported if isinstance(scenario, kind)]
    if len(found) < len(imported):
        raise UsageError(f"holds {others}", selection, f"Play it with {grid}")
    return found


def _selected(selection: str, paradigm: Paradigm) -> list[str]:
    if selection == "all":
        return scenario_names(paradigm)
    names = [name.strip() for name in selection.split(",") if name.strip()]
    if not names:
        raise UsageError("no scenario selected", "--scenarios", "Name one or more, or use 'all'")
    return names
