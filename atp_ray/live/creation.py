"""From what somebody asks for to an episode that can be played live: names looked up, numbers checked, scope kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from atp_ray.checkpoint.profiles import FittedProfile, ModelProfile, Profile, checkpoint_kind
from atp_ray.checkpoint.scope import load_scope, require_fitted_to
from atp_ray.errors import ConflictError, ScopeError, UsageError, suggestion
from atp_ray.live.interventions import FixSeats, Logged, SwapCheckpoint
from atp_ray.live.state import LiveState
from atp_ray.measures.results import EMBEDDED_NOTE, FITTED_NOTE, NOT_ABOUT
from atp_ray.paradigms import cell_names
from atp_ray.paradigms.design import Change
from atp_ray.paradigms.paradigm import Paradigm
from atp_ray.paradigms.registry import paradigm, paradigms
from atp_ray.paradigms.requests import EpisodeRequest
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.sampling import SamplingChange

TOOLS_HINT = "Start the service with a checkpoint that has a language model, where bubblewrap works or --sandbox none"


class Offer(NamedTuple):
    """What a service offers.

    `profiles` are the available checkpoints by name, `engines` the Serve application of each that an engine serves,
    `most_agents` bounds the seats of a simulation, `tools` says whether there is a sandbox to run tool calls in.
    """

    profiles: Mapping[str, Profile]
    engines: Mapping[str, str]
    most_agents: int
    tools: bool

    def paradigms(self) -> list[Paradigm]:
        """Return the paradigms that can be played."""
        return [room for room in paradigms() if self.tools or not room.environment.uses_tools]


def seat_group(
    name: str, count: int, profiles: Mapping[str, Profile], where: str, change: SamplingChange | None = None
) -> SeatGroup:
    """Return seats of one checkpoint, its sampling changed as asked.

    Raises:
        UsageError: the checkpoint is not served here, or a sampling value is out of range.
    """
    if name not in profiles:
        raise UsageError(f"checkpoint '{name}' is not served here", where, suggestion(name, profiles))
    return cell_names.seat_group(profiles[name], count, change or SamplingChange(), where)


def to_log(intervention: Change, profiles: Mapping[str, Profile]) -> Logged:
    """Return an intervention as it is logged, with the player it puts on seats.

    Raises:
        UsageError: the checkpoint is not served here.
    """
    if isinstance(intervention, SwapCheckpoint):
        return Logged(intervention, seat_group(intervention.checkpoint, 1, profiles, "checkpoint"))
    if isinstance(intervention, FixSeats):
        return Logged(intervention, seat_group(f"policy:{intervention.action}", 1, profiles, "action"))
    return Logged(intervention)


def require_served(spec: EpisodeSpec, profiles: Mapping[str, Profile], most_agents: int, *, tools: bool = True) -> None:
    """Refuse to play what was made when other checkpoints or more agents were here.

    Raises:
        ConflictError: says what is missing.
    """
    for name in sorted({group.checkpoint for group in spec.seats} - set(profiles)):
        hint = f"Start the service with --checkpoint {name}"
        raise ConflictError(f"checkpoint '{name}' is not served now", hint=hint)
    if paradigm(spec.paradigm).environment.uses_tools and not tools:
        raise ConflictError("tool calls cannot run here now", hint=TOOLS_HINT)
    if (n := spec.parameters.n_agents) > most_agents:
        hint = f"Start the service with --agents {n}"
        raise ConflictError(f"it has {n} agents, the service {most_agents}", hint=hint)


def episode_of(request: EpisodeRequest, offer: Offer) -> EpisodeSpec:
    """Return the episode of a request; without players all seats go to the first checkpoint.

    Raises:
        UsageError: an unknown scenario or checkpoint, numbers that do not go together, or too many agents.
    """
    own, profiles, most_agents = paradigm(request.paradigm), offer.profiles, offer.most_agents
    if own.environment.uses_tools and not offer.tools:
        raise UsageError("tool calls cannot run here", "scenario", TOOLS_HINT)
    # Never a path: who asks over HTTP may read no files.
    if request.scenario not in own.design.scenario_names():
        hint = suggestion(request.scenario, own.design.scenario_names())
        raise UsageError(f"unknown scenario '{request.scenario}'", "scenario", hint)
    if given := request.files:
        raise UsageError("cannot be chosen here, as it names files of the service's machine", given[0], "Leave it out")
    if request.seated > most_agents:
        hint = "Start the service with a higher --agents"
        raise UsageError(f"{request.seated} agents are more than the service has ({most_agents})", "n_agents", hint)
    players = request.seats_of(next(iter(profiles)))
    seats = [seat_group(name, count, profiles, "players", request.sampling) for name, count in players]
    return own.design.episode(request, seats)


def require_scope(state: LiveState, profiles: Mapping[str, Profile]) -> None:
    """Refuse what a seat's checkpoint was not trained on.

    Raises:
        ScopeError: names what is outside and what to do.
    """
    for name in {group.checkpoint for group in state.spec.seats}:
        profile = profiles.get(name)
        if isinstance(profile, FittedProfile):
            require_fitted_to(profile, state.spec)
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
    if "fitted" in kinds:
        notes.append(f"{FITTED_NOTE}.")
    if unknown := sorted(names - set(profiles)):
        notes.append(f"{', '.join(unknown)} is not served now, so nothing is known of it.")
    return " ".join([*notes, NOT_ABOUT]) if notes else None
