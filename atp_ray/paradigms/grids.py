"""Grids: requests with axes, read from YAML; each paradigm has its own model of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from atp_ray.checkpoint.populations import parse_population
from atp_ray.checkpoint.profiles import Profile
from atp_ray.config_files import config_path, load_yaml, parse_model, parse_setting, parse_value
from atp_ray.networks.kinds import EVERYONE
from atp_ray.paradigms.registry import DEFAULT, paradigm
from atp_ray.paradigms.requests import AsideSettings, require_fields
from atp_ray.paradigms.selection import UPSTREAM_PREFIX
from atp_ray.play.cells import CellSpec
from atp_ray.play.probes import with_probe_files
from atp_ray.play.sampling import SamplingChange


class Grid(AsideSettings):
    """What every grid has. `checkpoints` is an axis: each one is played in cells of its own."""

    axes: ClassVar[tuple[str, ...]] = ("checkpoints",)
    texts: ClassVar[tuple[str, ...]] = ("scenarios", "population")  # in which a comma of --set separates no values

    name: str
    description: str = ""
    paradigm: str = DEFAULT
    checkpoints: tuple[str, ...] = Field(default=("tiny",), min_length=1)
    scenarios: str = "all"
    seeds: int = Field(default=1, ge=1, description="Repetitions of every episode, seeds 0..seeds-1.")
    sampling: SamplingChange = SamplingChange()


def checkpoint_names(grid: Grid) -> list[str]:
    """Return every checkpoint the grid needs.

    Raises:
        UsageError: the population is not well formed.
    """
    if (population := getattr(grid, "population", None)) is not None:
        return list(dict.fromkeys(part.checkpoint for part in parse_population(population)))
    return list(grid.checkpoints)


def parse_grid(data: Any, where: str) -> Grid:
    """Validate `data` as the grid of its paradigm (games, unless it says otherwise).

    Raises:
        UsageError: unknown paradigm or key, a key of another paradigm, or a value out of range; names the key.
    """
    room = paradigm(str(data.get("paradigm", DEFAULT)) if isinstance(data, dict) else DEFAULT)
    if isinstance(data, dict):
        require_fields(room, data, lambda other: other.design.grid_model, where)
    return parse_model(room.design.grid_model, with_probe_files(data), where)


def load_grid(grid_name: str, /, settings: Sequence[str] = (), **overrides: Any) -> Grid:
    """Load a grid by name or path and change some of it.

    Args:
        settings: `key=value` strings; dots reach into nested keys, values are YAML (`rewards=1.2,1,0.8`).
        overrides: fields by name; None leaves the grid's own.

    Raises:
        UsageError: unknown grid or key (with a suggestion), or a value out of range.
    """
    path = config_path("grids", grid_name)
    grid = parse_grid(load_yaml(path), str(path))
    room = paradigm(grid.paradigm)
    data = grid.model_dump(exclude_unset=True)
    given = {key: value for key, value in overrides.items() if value is not None}
    require_fields(room, given, lambda other: other.design.grid_model, f"grid {grid.name}")
    data.update(given)
    for setting in settings:
        _apply_setting(data, setting, grid)
    return parse_grid(data, f"grid {data['name']}")


def expand(grid: Grid, profiles: Mapping[str, Profile]) -> list[CellSpec]:
    """Return the grid's cells, as `Design.cells`.

    Raises:
        UsageError: a combination that cannot be played (threshold above n, rewards out of order, ...).
    """
    room = paradigm(grid.paradigm)
    for name in checkpoint_names(grid):
        room.require_player(name)
    differs = differs_from_paper(grid)
    return [_compared(cell, differs) for cell in room.design.cells(grid, profiles)]


def _compared(cell: CellSpec, differs: str | None) -> CellSpec:
    """Return a cell that says in which points it is not played like the paper, where everyone sees everyone."""
    network = str(cell.episodes[0].network)
    if differs is not None and network != EVERYONE:
        differs = f"network {network}, not {EVERYONE}; {differs}"
    return cell.model_copy(update={"differs_from_paper": differs})


# What may differ between two runs that are played alike (nobody remembers a probe); what each cell has of an axis is in
# its own columns.
_NOT_THE_WAY = {"name", "description", "checkpoints", "seeds", "population", "probes", "probe_rounds"}
_OWN_WORDS = "prompts in this project's words"


def differs_from_paper(grid: Grid) -> str | None:
    """Return in which points a grid is not played like the paper; None where the paper has no such experiment.

    Every key is compared with the paradigm's paper grid; the wording always differs, unless the reference's own prompts
    are imported.
    """
    room = paradigm(grid.paradigm)
    if room.design.paper_grid is None:
        return None
    paper = load_grid(room.design.paper_grid)
    left_out = _NOT_THE_WAY | set(grid.axes) | {"scenarios"}
    ours, theirs = (_flat(one.model_dump(exclude=left_out)) for one in (grid, paper))
    points = [f"{key} {_said(ours[key])}, not {_said(theirs[key])}" for key in theirs if not _alike(ours, theirs, key)]
    if not grid.scenarios.startswith(UPSTREAM_PREFIX):
        if grid.scenarios != paper.scenarios:
            points.append(f"scenarios {grid.scenarios}, not {paper.scenarios}")
        points.append(_OWN_WORDS)
    return "; ".join(points)


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested values under dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        inner = _flat(value) if isinstance(value, dict) else None
        flat |= {key: value} if inner is None else {f"{key}.{name}": found for name, found in inner.items()}
    return flat


def _alike(ours: Mapping[str, Any], theirs: Mapping[str, Any], key: str) -> bool:
    value, paper = ours[key], theirs[key]
    # `paper:FOLDER` is a local copy of the paper's problems.
    return bool(value == paper) or (isinstance(paper, str) and str(value).startswith(f"{paper}:"))


def _said(value: Any) -> str:
    return "the default" if value is None else str(value).replace("_", " ")


def _apply_setting(data: dict[str, Any], text: str, grid: Grid) -> None:
    setting = parse_setting(text, type(grid))
    value = setting.value
    if isinstance(value, str) and "," in value and setting.key not in grid.texts:
        value = [parse_value(part, setting.key) for part in value.split(",")]
    if setting.key in grid.axes and not isinstance(value, list):
        value = [value]
    setting._replace(value=value).put(data)
