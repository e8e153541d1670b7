"""Which scenarios a grid means: all, some by name, or those of a file of the reference implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from atp_ray.config_files import config_names
from atp_ray.errors import UsageError

UPSTREAM_PREFIX = "upstream:"
ROLE_PLAY_KEY = "supervised_choice"  # stands in the reference's role-play entries and in no other


def selected_names(selection: str, folder: str) -> list[str]:
    """Return the names in `selection`: `all` of `configs/<folder>/`, or a comma-separated list.

    Raises:
        UsageError: nothing is selected.
    """
    if selection == "all":
        return config_names(folder)
    names = [name.strip() for name in selection.split(",") if name.strip()]
    if not names:
        raise UsageError("no scenario selected", "--scenarios", "Name one or more, or use 'all'")
    return names


def upstream_entries(selection: str) -> tuple[Path, list[dict[str, Any]]]:
    """Return the path in `upstream:FILE` and the entries of that file: templates or questions.

    Raises:
        UsageError: the file is unreadable, not JSON, or no list of entries.
    """
    path = Path(selection.removeprefix(UPSTREAM_PREFIX))
    entries = _load_json(path)
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError("is not a list of templates or questions", str(path), "Give the reference's JSON file")
    return path, entries


def is_role_play(entry: dict[str, Any]) -> bool:
    """Return whether an entry of the reference's files is a role-play."""
    return ROLE_PLAY_KEY in (entry.get("template") or entry)


def _load_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", str(path), "Check the path") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"is not valid JSON: {error.msg}", f"{path}:{error.lineno}", "Fix the file") from error
