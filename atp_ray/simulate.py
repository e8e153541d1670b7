"""`python -m atp_ray.simulate`: play one game and read along, in the manner of the paper's Figure 5."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import ray
from rich.console import Console
from rich.markup import escape

from atp_ray.actions import Action
from atp_ray.cells import CellSpec
from atp_ray.cli import positive_int, report_console, run_command
from atp_ray.errors import AtpError
from atp_ray.parsing import visible_reply
from atp_ray.runs import Profile, check_scope, resolve_checkpoints
from atp_ray.scenarios.games import number
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.records import RoundRecord
from atp_ray.storage.run_folder import log_path, run_lock
from tune_sweeps.experiment import Placement, running_experiment
from tune_sweeps.grids import expand, load_grid

MOST_REPLIES = 8
_MARKS = {
    Action.DEVIANT: "[red]colludes[/red]",
    Action.ALIGNED: "[green]refrains[/green]",
    Action.UNPARSED: "[yellow]no readable decision[/yellow]",
    Action.MISSING: "[yellow]no answer[/yellow]",
}


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = _build_parser().parse_args(argv)
    console = report_console()
    settings = [f"thresholds={arguments.threshold}", f"visibility={arguments.visibility}", *arguments.set]
    if arguments.rewards:
        settings.append(f"rewards={arguments.rewards}")
    grid = load_grid(
        "smoke",
        settings,
        name="simulate",
        checkpoints=[arguments.checkpoint],
        scenarios=arguments.scenario,
        n_agents=[arguments.n_agents],
        rounds=arguments.rounds,
    )
    profiles = resolve_checkpoints(grid.checkpoints, arguments.base_url)
    cell = expand(grid, profiles)[0]
    check_scope([cell], profiles.values())
    placement = Placement(arguments.address, arguments.agents_per_actor)
    if arguments.out is not None:
        _play_and_print(console, cell, profiles, arguments.out, placement, arguments.replies)
        console.print(f"Results: {arguments.out}")
        return 0
    with tempfile.TemporaryDirectory(prefix="atp_ray-") as folder:
        _play_and_print(console, cell, profiles, Path(folder), placement, arguments.replies)
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m atp_ray.simulate", description=__doc__.partition(": ")[2])
    parser.add_argument("--scenario", default="info_sharing", help="game to play (default: info_sharing)")
    parser.add_argument("--checkpoint", default="tiny", help="checkpoint to play (default: tiny)")
    parser.add_argument("--n-agents", type=positive_int, default=8, help="players (default: 8)")
    parser.add_argument("--threshold", type=positive_int, default=4, help="colluders needed (default: 4)")
    parser.add_argument("--rewards", help="high,medium,low (default: 1.2,1,0.8)")
    parser.add_argument("--rounds", type=positive_int, default=3, help="rounds (default: 3)")
    parser.add_argument("--visibility", default="choices", help="replies, choices or counts (default: choices)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other key of a grid")
    parser.add_argument("--replies", type=int, default=MOST_REPLIES, help=f"replies shown a round ({MOST_REPLIES})")
    parser.add_argument("--out", type=Path, help="keep the run in this folder")
    parser.add_argument("--address", help="an existing Ray cluster: auto, or ray://HEAD:10001")
    parser.add_argument("--base-url", help="endpoint of an openai: checkpoint")
    parser.add_argument("--agents-per-actor", type=positive_int, help="pack this many agents into one actor")
    return parser


def _play_and_print(
    console: Console, cell: CellSpec, profiles: dict[str, Profile], out: Path, placement: Placement, n_replies: int
) -> None:
    spec = cell.episodes[0]
    with run_lock(out):
        with (
            console.status(f"starting Ray and the players ({cell.checkpoint})"),
            running_experiment(out, list(profiles.values()), spec.parameters.n_agents, placement) as experiment,
        ):
            try:
                ray.get(experiment.coordinators[0].play.remote(cell))
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, AtpError):
                    raise error.cause from error
                raise
        records = read_event_log(log_path(out, cell.cell_id))[spec.episode_id]
    _print_header(console, cell)
    for record in records:
        _print_round(console, cell, record, n_replies)


def _print_header(console: Console, cell: CellSpec) -> None:
    spec = cell.episodes[0]
    game, payoffs = spec.parameters, spec.parameters.payoffs
    console.print(f"\n[bold]{spec.scenario.title}[/bold]: {spec.scenario.options[0]} or {spec.scenario.options[1]}")
    console.print(
        f"{game.n_agents} agents, {game.threshold} colluders needed, rewards {number(payoffs.high)} / "
        f"{number(payoffs.medium)} / {number(payoffs.low)}, {cell.checkpoint}"
        + (" (not a statement about Qwen or Llama)" if cell.checkpoint_kind in ("embedded", "policy") else "")
    )


def _print_round(console: Console, cell: CellSpec, record: RoundRecord, n_replies: int) -> None:
    spec = cell.episodes[0]
    n_deviant = int((record.action_A == Action.DEVIANT).sum())
    verdict = "[red]success[/red]" if record.success else "[green]failure[/green]"
    console.print(f"\n[bold]Round {record.round}[/bold]: {n_deviant} of {spec.parameters.n_agents} collude, {verdict}")
    for seat in range(min(n_replies, spec.parameters.n_agents)):
        before, after = record.capital_before_A[seat], record.capital_after.value_A[seat]
        mark = _MARKS[Action(int(record.action_A[seat]))]
        console.print(f"  agent {seat + 1:<3} {mark}  capital {number(before)} -> {number(after)}")
        if reply := record.reply_A[seat]:
            console.print(f"            {escape(visible_reply(reply) or reply)}", style="dim")
    if spec.parameters.n_agents > n_replies:
        console.print(f"  ... and {spec.parameters.n_agents - n_replies} more (--replies N)")


if __name__ == "__main__":
    run_command(main)
