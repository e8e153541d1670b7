"""Find games by name: the shipped YAML files, a YAML path, or a file of the reference implementation."""

from __future__ import annotations

from atp_ray.config_files import load_config
from atp_ray.paradigms.games.scenarios import GameScenario, ImportedGame
from atp_ray.paradigms.games.upstream import load_upstream_games
from atp_ray.paradigms.selection import UPSTREAM_PREFIX, selected_names, upstream_entries

FOLDER = "scenarios/games"


def load_game(name: str) -> GameScenario:
    """Load one coordination game by shipped name or by the path of a YAML file.

    Raises:
        UsageError: nothing of that name, or the file is invalid; names file, key and reason.
    """
    return load_config(FOLDER, name, GameScenario)


def load_games(selection: str = "all") -> list[GameScenario | ImportedGame]:
    """Load the games `selection` names: `all`, a comma-separated list, or `upstream:FILE`.

    Raises:
        UsageError: as `load_game`, the selection is empty, or the file holds role-play.
    """
    if selection.startswith(UPSTREAM_PREFIX):
        return [*load_upstream_games(*upstream_entries(selection))]
    return [load_game(name) for name in selected_names(selection, FOLDER)]
