"""`python -m atp_ray.simulate`: play one game, role-play or maths session and read along, as in Figure 5."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import ray
from rich.console import Console

from atp_ray.cells import CellSpec
from atp_ray.checkpoint_hub import require_available
from atp_ray.checkpoint_profiles import Profile
from atp_ray.cli import positive_int, report_console, run_command
from atp_ray.errors import AtpError, UsageError, suggestion
from atp_ray.paradigms import Paradigm
from atp_ray.runs import check_scope, resolve_checkpoints
from atp_ray.sandbox.isolation import Isolation, require_isolation
from atp_ray.scenarios.registry import scenario_names
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.run_folder import log_path, run_lock
from atp_ray.trace import print_trace
from atp_ray.watch import watch
from tune_sweeps.expansion import expand
from tune_sweeps.experiment import Placement, running_experiment
from tune_sweeps.grids import Grid, checkpoint_names, load_grid

MOST_REPLIES = 8
_GRIDS: dict[Paradigm, str] = {"games": "smoke", "role_play": "table1", "tool_usage": "table2"}


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = _build_parser().parse_args(argv)
    console = report_console()
    if arguments.live is not None:
        watch(console, arguments.live, arguments.replies)
        return 0
    grid = _grid(arguments)
    profiles = resolve_checkpoints(checkpoint_names(grid), arguments.base_url)
    cell = expand(grid, profiles)[0]
    cell = cell.model_copy(update={"episodes": cell.episodes[:1]})
    check_scope([cell], profiles.values())
    if grid.paradigm == "tool_usage":
        require_isolation(arguments.sandbox)
    require_available(profiles.values(), elsewhere=arguments.address is not None)
    placement = Placement(arguments.address, arguments.agents_per_actor, sandbox=arguments.sandbox)
    if arguments.out is not None:
        _play_and_print(console, cell, profiles, arguments.out, placement, arguments.replies)
        console.print(f"Results: {arguments.out}")
        return 0
    with tempfile.TemporaryDirectory(prefix="atp_ray-") as folder:
        _play_and_print(console, cell, profiles, Path(folder), placement, arguments.replies)
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m atp_ray.simulate", description=__doc__.partition(": ")[2])
    parser.add_argument("--scenario", default="info_sharing", help="a game (info_sharing), a role-play, or maths")
    parser.add_argument("--checkpoint", default="tiny", help="checkpoint to play (default: tiny)")
    parser.add_argument("--n-agents", type=positive_int, help="players of a game (default: 8)")
    parser.add_argument("--population", help="NAME:COUNT,NAME:COUNT - seats of a game for different checkpoints")
    parser.add_argument("--threshold", type=positive_int, help="colluders needed in a game (default: 4)")
    parser.add_argument("--rewards", help="high,medium,low of a game (default: 1.2,1,0.8)")
    parser.add_argument("--rounds", type=positive_int, help="rounds (default: 3 in a game, 6 in role-play, 4 of maths)")
    parser.add_argument("--visibility", help="replies, choices or counts in a game (default: choices)")
    parser.add_argument("--supervision", help="supervision pattern of a role-play (default: all_unsupervised)")
    parser.add_argument("--sandbox", choices=get_args(Isolation), default="bubblewrap", help="where maths' tool runs")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other key of a grid")
    parser.add_argument("--replies", type=int, default=MOST_REPLIES, help=f"replies shown a round ({MOST_REPLIES})")
    parser.add_argument(
        "--live", metavar="URL", help="read along with a simulation of `python -m atp_ray.serve` instead"
    )
    parser.add_argument("--out", type=Path, help="keep the run in this folder")
    parser.add_argument("--address", help="an existing Ray cluster: auto, or ray://HEAD:10001")
    parser.add_argument("--base-url", help="endpoint of an openai: checkpoint")
    parser.add_argument("--agents-per-actor", type=positive_int, help="pack this many agents into one actor")
    return parser


def _grid(arguments: argparse.Namespace) -> Grid:
    """Return a grid whose first episode is what was asked for.

    Raises:
        UsageError: an unknown scenario, or a setting its paradigm does not have.
    """
    paradigm = _paradigm(arguments.scenario)
    given = {
        "thresholds": arguments.threshold,
        "visibility": arguments.visibility,
        "rewards": arguments.rewards,
        "n_agents": arguments.n_agents,
        "supervision": arguments.supervision,
        "population": arguments.population,
    }
    rounds = arguments.rounds or (3 if paradigm == "games" else None)
    settings = [f"{key}={value}" for key, value in given.items() if value is not None]
    overrides = {"name": "simulate", "checkpoints": [arguments.checkpoint], "scenarios": arguments.scenario}
    return load_grid(_GRIDS[paradigm], [*settings, *arguments.set], rounds=rounds, **overrides)


def _paradigm(scenario: str) -> Paradigm:
    names = {name: paradigm for paradigm in get_args(Paradigm) for name in scenario_names(paradigm)}
    if scenario in names:
        found: Paradigm = names[scenario]
        return found
    if scenario.endswith((".yaml", ".yml")) or ":" in scenario:
        return "games"
    raise UsageError(f"unknown scenario '{scenario}'", "--scenario", suggestion(scenario, list(names)))


def _play_and_print(
    console: Console, cell: CellSpec, profiles: dict[str, Profile], out: Path, placement: Placement, n_replies: int
) -> None:
    spec = cell.episodes[0]
    tools = cell.paradigm == "tool_usage"
    with run_lock(out):
        with (
            console.status(f"starting the players ({cell.checkpoint})") as status,
            running_experiment(
                out,
                list(profiles.values()),
                cell.population,
                placement,
                tools=tools,
                on_part=lambda part: status.update(f"starting {part}"),
            ) as experiment,
        ):
            status.update("playing")
            try:
                ray.get(experiment.coordinators[0].play.remote(cell))
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, AtpError):
                    raise error.cause from error
                raise
        records = read_event_log(log_path(out, cell.cell_id))[spec.episode_id]
    print_trace(console, cell, records, n_replies)


if __name__ == "__main__":
    run_command(main)
