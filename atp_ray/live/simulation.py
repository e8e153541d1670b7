"""One live simulation: its events folded to a status and a state. The same events give the same simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from atp_ray.config_files import Frozen, Number, Whole, parse_model
from atp_ray.live.interventions import read_logged
from atp_ray.live.log import Event
from atp_ray.live.monitors import Monitor
from atp_ray.live.state import LiveState
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.storage.record_json import record_from_json

Status = Literal["paused", "running", "finished", "failed", "cancelled"]
OVER: tuple[Status, ...] = ("finished", "cancelled")
Command = Literal["run", "pause", "step", "cancel", "fail"]


class Parent(Frozen):
    """Where a branch leaves another simulation: after `round` settled rounds (0: before the first)."""

    simulation_id: str
    round: Whole = Field(ge=0)
    seed: Whole | None = Field(
        default=None, ge=0, description="Another seed from there on; None continues with the parent's."
    )


class Creation(Frozen):
    """The first event of a simulation."""

    name: str
    episode: EpisodeSpec
    monitors: tuple[Monitor, ...] = ()
    parent: Parent | None = None


class Until(Frozen):
    """When a running simulation pauses by itself, at a round's end: after a round, or above a deviant rate."""

    round: Whole | None = Field(default=None, ge=1)
    rate_above: Number | None = Field(default=None, ge=0, lt=1)


class Control(Frozen):
    """A control event."""

    command: Command
    until: Until = Until()
    reason: str | None = None


@dataclass(frozen=True)
class Simulation:
    """A simulation after some events; `reason` says why it failed."""

    creation: Creation
    state: LiveState
    status: Status = "paused"
    until: Until = field(default_factory=Until)
    reason: str | None = None

    def after(self, event: Event) -> Simulation:
        """Return the simulation after one more event.

        Raises:
            UsageError, ValueError: the event cannot follow.
        """
        changed = dict(vars(self))
        if event.kind == "round":
            changed["state"] = self.state.after_round(record_from_json(event.data))
            changed["status"] = _status_after_round(changed["state"], self.status, self.until)
        elif event.kind == "intervention":
            changed["state"] = self.state.after_intervention(read_logged(event.data))
        elif event.kind == "control":
            changed |= _controlled(self, parse_model(Control, event.data, "control"))
        elif event.kind == "tip" and event.data.get("action") == "pause" and self.status == "running":
            changed["status"] = "paused"
        return Simulation(**changed)


def begin(creation: Creation, state_at: Callable[[Parent], LiveState]) -> Simulation:
    """Return a simulation at its beginning; a branch shares its parent's past.

    Args:
        state_at: gives the state a branch leaves its parent in.
    """
    if creation.parent is None:
        return Simulation(creation, LiveState(specs=((1, creation.episode),)))
    state = state_at(creation.parent)
    if creation.parent.seed is not None:
        state = state.with_seed(creation.parent.seed)
    return Simulation(creation, state, status="finished" if state.finished else "paused")


def _status_after_round(state: LiveState, status: Status, until: Until) -> Status:
    if state.finished:
        return "finished"
    return "paused" if _reached(state, until) else status


def _reached(state: LiveState, until: Until) -> bool:
    enough = until.round is not None and len(state.records) >= until.round
    return enough or (until.rate_above is not None and bool(state.marks) and state.marks[-1].rate > until.rate_above)


def _controlled(simulation: Simulation, control: Control) -> dict[str, object]:
    match control.command:
        case "run":
            # Where that round is settled already there is nothing to play.
            there = control.until.round is not None and len(simulation.state.records) >= control.until.round
            return {"status": "paused" if there else "running", "until": control.until, "reason": None}
        case "step":
            return {"status": "running", "until": Until(round=simulation.state.next_round), "reason": None}
        case "pause":
            return {"status": "paused", "until": Until()}
        case "cancel":
            return {"status": "cancelled"}
        case "fail":
            return {"status": "failed", "reason": control.reason}
