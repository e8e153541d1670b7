"""From what somebody asks for to an episode that can be played live: names looked up, numbers checked, scope kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from atp_ray.checkpoint_profiles import ModelProfile, Profile, checkpoint_kind
from atp_ray.config_files import parse_model
from atp_ray.episodes import EpisodeSpec, SeatGroup
from atp_ray.errors import ConflictError, ScopeError, UsageError, suggestion
from atp_ray.live.interventions import FixSeats, Intervention, Logged, SwapCheckpoint
from atp_ray.live.state import LiveState
from atp_ray.payoffs import Payoffs
from atp_ray.results import EMBEDDED_NOTE, NOT_ABOUT
from atp_ray.scenarios.games import GameParameters
from atp_ray.scenarios.prompt_sets import role_play_prompts
from atp_ray.scenarios.registry import load_game, load_role_play, scenario_names
from atp_ray.scenarios.role_play import RolePlayParameters
from atp_ray.scenarios.supervision import SupervisionPattern
from atp_ray.tiny.scope import load_scope

DEFAULT_WINDOW = {"games": 3, "role_play": 5}


def live_scenarios() -> list[str]:
    """Return the scenarios that can be played live, by name."""
    return [*scenario_names("games"), *scenario_names("role_play")]


def seat_group(name: str, count: int, profiles: Mapping[str, Profile], where: str) -> SeatGroup:
    """Return seats of one checkpoint.

    Raises:
        UsageError: the checkpoint is not served here.
    """
    if name not in profiles:
        raise UsageError(f"checkpoint '{name}' is not served here", where, suggestion(name, profiles))
    profile = profiles[name]
    revision = getattr(profile, "revision", "")
    return SeatGroup(checkpoint=name, count=count, revision=revision, sampling=profile.sampling)


def to_log(intervention: Intervention, profiles: Mapping[str, Profile]) -> Logged:
    """Return an intervention as it is logged, with the player it puts on seats.

    Raises:
        UsageError: the checkpoint is not served here.
    """
    if isinstance(intervention, SwapCheckpoint):
        return Logged(intervention, seat_group(intervention.checkpoint, 1, profiles, "checkpoint"))
    if isinstance(intervention, FixSeats):
        return Logged(intervention, seat_group(f"policy:{intervention.action}", 1, profiles, "action"))
    return Logged(intervention)


def require_served(spec: EpisodeSpec, profiles: Mapping[str, Profile], most_agents: int) -> None:
    """Refuse to play what was made when other checkpoints or more agents were here.

    Raises:
        ConflictError: says what is missing.
    """
    for name in sorted({group.checkpoint for group in spec.seats} - set(profiles)):
        hint = f"Start the service with --checkpoint {name}"
        raise ConflictError(f"checkpoint '{name}' is not served now", hint=hint)
    if (n := spec.parameters.n_agents) > most_agents:
        hint = f"Start the service with --agents {n}"
        raise ConflictError(f"it has {n} agents, the service {most_agents}", hint=hint)


def game_episode(
    scenario: str,
    seats: Sequence[SeatGroup],
    threshold: int | None,
    rewards: tuple[float, float, float],
    **fields: object,
) -> EpisodeSpec:
    """Return a coordination game.

    Args:
        threshold: None is half of the agents, rounded up.
        fields: rounds, visibility, history_window, seed.

    Raises:
        UsageError: the numbers do not go together.
    """
    n = sum(group.count for group in seats)
    numbers = {"n_agents": n, "threshold": threshold or -(-n // 2), "payoffs": _payoffs(rewards)}
    return _episode(load_game(scenario), parse_model(GameParameters, numbers, "simulation"), seats, fields)


def role_play_episode(
    scenario: str, seats: Sequence[SeatGroup], supervision: SupervisionPattern, rounds: int, **fields: object
) -> EpisodeSpec:
    """Return a role-play environment with the numbers of its first test prompt.

    Raises:
        UsageError: there is more than one seat.
    """
    if sum(group.count for group in seats) != 1:
        raise UsageError("a role-play has one agent", "n_agents", "Give n_agents 1")
    prompt = role_play_prompts([load_role_play(scenario)], "test")[0]
    numbers = RolePlayParameters(low=prompt.low, high=prompt.high, supervision=supervision, rounds=rounds)
    return _episode(prompt.scenario, numbers, seats, fields | {"rounds": rounds})


def require_scope(state: LiveState, profiles: Mapping[str, Profile]) -> None:
    """Refuse what a seat's checkpoint was not trained on.

    Raises:
        ScopeError: names what is outside and what to do.
    """
    for name in {group.checkpoint for group in state.spec.seats}:
        profile = profiles.get(name)
        scope = load_scope(Path(profile.source)) if isinstance(profile, ModelProfile) else None
        if scope is None:
            continue
        scope.check(state.spec)
        if state.notes or state.edits:
            what = "announcements" if state.notes else "replies it has not given"
            hint = "Use a real checkpoint or policy:quantal for it"
            raise ScopeError(f"the small checkpoint was not trained on {what}", name, hint)


def live_label(states: Iterable[LiveState], profiles: Mapping[str, Profile]) -> str | None:
    """Return what the results of simulations are not about; None where real checkpoints alone have played."""
    names = {group.checkpoint for state in states for _, spec in state.specs for group in spec.seats}
    kinds = {checkpoint_kind(profiles[name]) for name in names if name in profiles}
    notes = [EMBEDDED_NOTE] if "embedded" in kinds else []
    if "policy" in kinds:
        notes.append("policy:* is no language model.")
    if unknown := sorted(names - set(profiles)):
        notes.append(f"{', '.join(unknown)} is not served now, so nothing is known of it.")
    return " ".join([*notes, NOT_ABOUT]) if notes else None


def _payoffs(rewards: tuple[float, float, float]) -> Payoffs:
    high, medium, low = rewards
    return parse_model(Payoffs, {"high": high, "medium": medium, "low": low}, "rewards")


def _episode(
    scenario: object, parameters: object, seats: Sequence[SeatGroup], fields: Mapping[str, object]
) -> EpisodeSpec:
    kind = getattr(parameters, "kind", "games")
    given = {name: value for name, value in fields.items() if value is not None}
    data = {"history_window": DEFAULT_WINDOW[kind], **given, "scenario": scenario, "parameters": parameters}
    return parse_model(EpisodeSpec, data | {"seats": tuple(seats)}, "simulation")
