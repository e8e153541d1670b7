"""`python -m atp_ray.simulate`: play one game, role-play or maths session and read along, as in Figure 5."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from rich.console import Console

from actors.ray_errors import own_error
from atp_ray.checkpoint.engine_changes import engine_change, split_settings
from atp_ray.checkpoint.hub import require_available
from atp_ray.checkpoint.names import resolve_checkpoints
from atp_ray.checkpoint.populations import parse_population, population_kind
from atp_ray.checkpoint.profiles import Profile
from atp_ray.checkpoint.scope import check_scope
from atp_ray.cli.parsing import parse_options
from atp_ray.cli.run import report_console, run_command
from atp_ray.config_files import parse_model, parse_setting
from atp_ray.costs.estimate import estimate_usage
from atp_ray.errors import UsageError
from atp_ray.paradigms.cell_names import named_cell, seat_group
from atp_ray.paradigms.paradigm import Paradigm
from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.requests import EpisodeRequest, paradigm_of, require_fields
from atp_ray.play.cells import CellSpec
from atp_ray.play.probes import with_probe_files
from atp_ray.play.workload import estimate_workload
from atp_ray.sandbox.isolation import require_isolation
from atp_ray.simulate.options import SimulateOptions
from atp_ray.simulate.trace import print_trace
from atp_ray.simulate.watch import watch
from atp_ray.storage.event_log import read_event_log
from atp_ray.storage.rows import population_label
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.run_places import OpenRun, written_run
from serve_deployments.engine_plans import planning_of
from tune_sweeps.connection import find_cluster
from tune_sweeps.experiment import Placement, running_experiment


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return run(parse_options(SimulateOptions, argv, "python -m atp_ray.simulate"))


def run(options: SimulateOptions) -> int:
    """Do what the options ask for; returns the exit code."""
    console = report_console()
    if options.live is not None:
        watch(console, options.live, options.replies)
        return 0
    request = _request(options)
    names = [part.checkpoint for part in request.players] or [options.checkpoint]
    engines, _ = split_settings(options.set)
    change = engine_change(engines, options.replicas, options.tensor_parallel, options.max_model_len)
    profiles = change.apply(resolve_checkpoints(names, options.base_url))
    cell = _cell(request, profiles, options.checkpoint)
    check_scope([cell], profiles.values())
    address = find_cluster(options.address, console.print)
    if paradigm(request.paradigm).environment.uses_tools and address is None:
        require_isolation(options.sandbox)
    require_available(profiles.values(), elsewhere=address is not None)
    expected = estimate_usage([cell], profiles.values())
    workload = estimate_workload([cell], {name: entry.usage.prompt_tokens for name, entry in expected.items()})
    planning = planning_of(options.gpus, options.gpu_type, workload.demands)
    placement = Placement(
        address, options.agents_per_actor, sandbox=options.sandbox, keep=options.keep, planning=planning
    )
    if options.out is not None:
        with written_run(options.out) as opened:
            _play_and_print(console, cell, profiles, opened, placement, options.replies)
        console.print(f"Results: {options.out}")
        return 0
    with tempfile.TemporaryDirectory(prefix="atp_ray-") as folder, written_run(folder) as opened:
        _play_and_print(console, cell, profiles, opened, placement, options.replies)
    return 0


def _request(options: SimulateOptions) -> EpisodeRequest:
    """Return the episode that was asked for.

    Raises:
        UsageError: an unknown scenario, or a field its paradigm does not have.
    """
    given: dict[str, Any] = {
        name: value
        for name in ("n_agents", "threshold", "rounds", "visibility", "supervision", "seed")
        if (value := getattr(options, name)) is not None
    }
    if (threshold := given.get("threshold", 0.5)) >= 1 and threshold == int(threshold):
        given["threshold"] = int(threshold)
    room = paradigm_of({"scenario": options.scenario}, "--scenario", files=True)
    require_fields(room, given, _request_model, "--{}")
    if options.rewards is not None:
        require_fields(room, ["high", "medium", "low"], _request_model, "--rewards")
        given |= _rewards(options.rewards)
    if options.population is not None:
        parts = parse_population(options.population)
        given["players"] = [{"checkpoint": part.checkpoint, "seats": part.seats} for part in parts]
    _, settings = split_settings(options.set)
    for text in settings:
        setting = parse_setting(text, _request_model(room))
        setting.put(given)
    data = {"scenario": options.scenario, **given}
    return parse_model(_request_model(room), with_probe_files(data), "simulate")


def _request_model(room: Paradigm) -> type[EpisodeRequest]:
    return room.design.request_model


def _rewards(text: str) -> dict[str, float]:
    try:
        high, medium, low = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"'{text}' is not high,medium,low", "--rewards", "Example: --rewards 1.2,1,0.8") from error
    return {"high": high, "medium": medium, "low": low}


def _cell(request: EpisodeRequest, profiles: Mapping[str, Profile], checkpoint: str) -> CellSpec:
    """Return the request's episode as a cell of its own."""
    room = paradigm(request.paradigm)
    players = request.seats_of(checkpoint)
    seats = [seat_group(profiles[name], count, request.sampling, "simulate") for name, count in players]
    episode = room.design.episode(request, seats)
    played = [profiles[name] for name, _ in players]
    label = population_label(episode) if request.players else played[0].name
    setting = room.design.setting(episode.parameters)
    n_agents = episode.parameters.n_agents
    return named_cell("simulate", label, label, population_kind(played), [episode], n_agents, setting)


def _play_and_print(
    console: Console, cell: CellSpec, profiles: dict[str, Profile], run: OpenRun, placement: Placement, n_replies: int
) -> None:
    spec = cell.episodes[0]
    tools = paradigm(cell.paradigm).environment.uses_tools
    with (
        console.status(f"starting the players ({cell.checkpoint})") as status,
        running_experiment(
            run.folder,
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
            raise own_error(error) from None
    records = read_event_log(log_path(run.folder, cell.cell_id))[spec.episode_id]
    print_trace(console, cell, records, n_replies)


if __name__ == "__main__":
    run_command(main)
