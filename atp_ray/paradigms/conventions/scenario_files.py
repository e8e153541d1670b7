"""Find naming games by name: the shipped YAML files, or a YAML path."""

from __future__ import annotations

from atp_ray.config_files import load_config
from atp_ray.paradigms.conventions.scenarios import NamingGame
from atp_ray.paradigms.selection import selected_names

FOLDER = "scenarios/conventions"


def load_naming_game(name: str) -> NamingGame:
    """Load one naming game by shipped name or by the path of a YAML file.

    Raises:
        UsageError: nothing of that name, or the file is invalid; names file, key and reason.
    """
    return load_config(FOLDER, name, NamingGame)


def load_naming_games(selection: str = "all") -> list[NamingGame]:
    """Load the naming games `selection` names: `all`, or a comma-separated list.

    Raises:
        UsageError: as `load_naming_game`, or the selection is empty.
    """
    return [load_naming_game(name) for name in selected_names(selection, FOLDER)]
