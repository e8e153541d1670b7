"""Find role-plays by name: the shipped YAML files, a YAML path, or a file of the reference implementation."""

from __future__ import annotations

from atp_ray.config_files import load_config
from atp_ray.paradigms.role_play.scenarios import ImportedRolePlay, RolePlayScenario
from atp_ray.paradigms.role_play.upstream import load_upstream_role_plays
from atp_ray.paradigms.selection import UPSTREAM_PREFIX, selected_names, upstream_entries

FOLDER = "scenarios/role_play"


def load_role_play(name: str) -> RolePlayScenario:
    """Load one role-play by shipped name or by the path of a YAML file.

    Raises:
        UsageError: nothing of that name, or the file is invalid; names file, key and reason.
    """
    return load_config(FOLDER, name, RolePlayScenario, "role-play scenario")


def load_role_plays(selection: str = "all") -> list[RolePlayScenario | ImportedRolePlay]:
    """Load the role-plays `selection` names: `all`, a comma-separated list, or `upstream:FILE`.

    Raises:
        UsageError: as `load_role_play`, the selection is empty, or the file holds games.
    """
    if selection.startswith(UPSTREAM_PREFIX):
        return [*load_upstream_role_plays(*upstream_entries(selection))]
    return [load_role_play(name) for name in selected_names(selection, FOLDER)]
