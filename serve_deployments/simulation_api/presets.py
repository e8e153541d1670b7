"""From the body of a request to an episode: presets from configs/presets, names looked up, never a path."""

from __future__ import annotations

from atp_ray.config_files import config_names, configs_dir, load_yaml, parse_model
from atp_ray.episodes import EpisodeSpec
from atp_ray.errors import UsageError, suggestion
from atp_ray.live.creation import game_episode, live_scenarios, role_play_episode, seat_group
from atp_ray.live.monitors import Monitor
from atp_ray.live.schemas import NewSimulation
from atp_ray.scenarios.registry import scenario_names
from serve_deployments.simulation_api.service import Service


def preset_names() -> list[str]:
    """Return the presets there are."""
    return config_names("presets")


def episode_of(body: NewSimulation, service: Service) -> tuple[str, EpisodeSpec, tuple[Monitor, ...]]:
    """Return name, episode and monitors of a simulation that was asked for.

    Raises:
        UsageError: an unknown preset, scenario or checkpoint, wrong numbers, or too many agents.
    """
    wanted = _with_preset(body)
    if wanted.scenario not in live_scenarios():
        hint = suggestion(wanted.scenario, live_scenarios())
        raise UsageError(f"unknown scenario '{wanted.scenario}'", "scenario", hint)
    first = next(iter(service.profiles))
    players = [(part.checkpoint, part.seats) for part in wanted.players] or [(first, wanted.n_agents)]
    if (n := sum(seats for _, seats in players)) > service.most_agents:
        hint = "Start the service with a higher --agents"
        raise UsageError(f"{n} agents are more than the service has ({service.most_agents})", "n_agents", hint)
    seats = [seat_group(name, count, service.profiles, "players") for name, count in players]
    common = {"visibility": wanted.visibility, "history_window": wanted.history_window, "seed": wanted.seed}
    if wanted.scenario in scenario_names("games"):
        rewards = (wanted.high, wanted.medium, wanted.low)
        episode = game_episode(wanted.scenario, seats, wanted.threshold, rewards, rounds=wanted.rounds, **common)
    else:
        episode = role_play_episode(wanted.scenario, seats, wanted.supervision, wanted.rounds, **common)
    return wanted.name or wanted.scenario, episode, wanted.monitors


def _with_preset(body: NewSimulation) -> NewSimulation:
    """Return the body with what it leaves out taken from its preset."""
    if body.preset is None:
        return body
    if body.preset not in preset_names():
        raise UsageError(f"unknown preset '{body.preset}'", "preset", suggestion(body.preset, preset_names()))
    data = load_yaml(configs_dir() / "presets" / f"{body.preset}.yaml")
    return parse_model(NewSimulation, data | body.model_dump(exclude_unset=True) | {"preset": None}, "simulation")
