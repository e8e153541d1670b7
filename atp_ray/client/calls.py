"""Every call to the simulation API as a value: method, path, what is sent, and what its answer is read as."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic_core import to_jsonable_python

from atp_ray.config_files import Frozen, parse_model
from atp_ray.live import schemas as s
from atp_ray.live.bodies import parse_simulation
from atp_ray.live.interventions import Intervention
from atp_ray.live.simulation import Until
from atp_ray.paradigms.requests import is_known

T = TypeVar("T")
Interventions = Sequence[Intervention | Mapping[str, Any]]


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request; `answer` is what its JSON is read as.

    A call that changes something carries a key, so it may be sent again until it is answered and still acts once.
    """

    method: str
    path: str
    answer: type[T]
    body: dict[str, Any] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    key: str | None = None


def get(path: str, answer: type[T], **params: object) -> Call[T]:
    """Return a call that reads; parameters that are None are left out."""
    return Call("GET", path, answer, params={name: value for name, value in params.items() if value is not None})


def post(path: str, answer: type[T], body: dict[str, Any]) -> Call[T]:
    """Return a call that changes something."""
    return Call("POST", path, answer, body=body, key=secrets.token_hex(16))


def create(fields: Mapping[str, Any]) -> Call[s.SimulationView]:
    """Make a simulation.

    Raises:
        UsageError: a field is unknown or out of its bounds.
    """
    # Presets, and paradigms that are not installed here, only the service knows.
    if "preset" not in fields and is_known(fields):
        parse_simulation(fields)
    return post("/simulations", s.SimulationView, to_jsonable_python(dict(fields)))


def control(
    simulation_id: str, command: str, round_number: int | None = None, rate_above: float | None = None
) -> Call[s.SimulationView]:
    """Run (until a condition), pause, step or cancel."""
    until = parse_model(Until, {"round": round_number, "rate_above": rate_above}, "until")
    body = {"command": command, "until": until.model_dump()}
    return post(f"/simulations/{simulation_id}/control", s.SimulationView, body)


def intervene(simulation_id: str, intervention: Intervention | Mapping[str, Any]) -> Call[s.EventView]:
    """Change something from the next round on."""
    return post(f"/simulations/{simulation_id}/interventions", s.EventView, _plain([intervention])[0])


def fork(
    simulation_id: str, round_number: int, interventions: Interventions, seed: int | None, name: str
) -> Call[s.SimulationView]:
    """Branch off after a round."""
    body = {"round": round_number, "interventions": _plain(interventions), "seed": seed, "name": name}
    return post(f"/simulations/{simulation_id}/forks", s.SimulationView, body)


def what_if(
    simulation_id: str, round_number: int, rounds: int, seeds: int, interventions: Interventions
) -> Call[s.WhatIfView]:
    """Run pairs of branches, with and without interventions."""
    body = {"round": round_number, "rounds": rounds, "seeds": seeds, "interventions": _plain(interventions)}
    return post(f"/simulations/{simulation_id}/what-ifs", s.WhatIfView, body)


def compare(without: Sequence[str], with_: Sequence[str], after: int) -> Call[s.ComparisonView]:
    """Compare two groups of branches, pair by pair."""
    return get(
        "/comparisons", s.ComparisonView, **{"without": ",".join(without), "with": ",".join(with_), "after": after}
    )


class _Wanted(Frozen):
    interventions: tuple[Intervention, ...]


def _plain(interventions: Interventions) -> list[dict[str, Any]]:
    wanted = parse_model(_Wanted, {"interventions": tuple(interventions)}, "call")
    return [intervention.model_dump(mode="json") for intervention in wanted.interventions]
