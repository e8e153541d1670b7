"""How a run is played again: the command that gives the same grid, and the grid itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from atp_ray.errors import AtpError, UsageError
from atp_ray.paradigms.grids import Grid, load_grid, parse_grid

GRID_FILE = "grid.yaml"
_FLAGS = {"seeds": "--seeds", "rounds": "--rounds", "scenarios": "--scenarios", "population": "--population"}


class Recipe(NamedTuple):
    """The commands that play a run again and report on it, and its grid as resolved, in YAML."""

    commands: tuple[str, ...]
    grid: str
    needs_file: bool


def recorded_grid(manifest: Mapping[str, Any]) -> Grid:
    """Return the grid a run was started with.

    Raises:
        UsageError: it was not recorded, or is of a paradigm or a version that is not installed here.
    """
    if not isinstance(data := manifest.get("grid_as_given"), dict):
        raise UsageError("the run did not record its grid", "run.json")
    return parse_grid(data, "run.json: grid_as_given")


def recipe(manifest: Mapping[str, Any]) -> Recipe:
    """Return how a run is played again; where no flags give the grid, `grid.yaml` holds it.

    Raises:
        UsageError: the manifest has no grid.
    """
    grid = recorded_grid(manifest)
    resolved = grid.model_dump(mode="json")
    flags = _flags(grid)
    words = ["--grid", GRID_FILE] if flags is None else flags
    if manifest.get("base_url"):
        words += ["--base-url", "URL"]  # the address itself may hold what is nobody else's business
    if manifest.get("sandbox") == "none":
        words += ["--sandbox", "none"]
    text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)
    commands = (
        f"python -m atp_ray.sweep {shlex.join(words)} --out RUN",
        "python -m atp_ray.report RUN --html",
    )
    return Recipe(commands, text, flags is None)


def _flags(grid: Grid) -> list[str] | None:
    """Return the flags of `sweep` that give exactly this grid, None where there are none."""
    try:
        shipped = load_grid(grid.name).model_dump(mode="json")
        words, overrides, settings = ["--grid", grid.name], dict[str, Any](), list[str]()
        for key, value in grid.model_dump(mode="json").items():
            if value == shipped[key]:
                continue
            if key == "checkpoints":
                words += [word for name in value for word in ("--checkpoint", name)]
                overrides[key] = value
            elif key in _FLAGS and value is not None:
                words += [_FLAGS[key], str(value)]
                overrides[key] = value
            else:
                settings += _settings(key, value, shipped[key])
        again = load_grid(grid.name, settings, **overrides)
    except (AtpError, KeyError):
        return None
    words += [word for setting in settings for word in ("--set", setting)]
    return words if again.model_dump(mode="json") == grid.model_dump(mode="json") else None


def _settings(key: str, value: Any, shipped: Any) -> Iterator[str]:
    if isinstance(value, dict) and isinstance(shipped, dict):
        yield from (f"{key}.{name}={json.dumps(of)}" for name, of in value.items() if of != shipped.get(name))
    else:
        yield f"{key}={json.dumps(value)}"


def seeds_text(seeds: Sequence[int]) -> str:
    """Return the seeds in words: a range where they are one."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds)) or "none"
