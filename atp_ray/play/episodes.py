"""Episodes: one scenario played for some rounds by a fixed set of seats, and their identity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from atp_ray.config_files import Frozen, added
from atp_ray.networks.kinds import Complete, require_fits
from atp_ray.networks.neighbours import Neighbours, neighbours
from atp_ray.networks.texts import Network
from atp_ray.paradigms import registry
from atp_ray.play.probes import Probe
from atp_ray.play.sampling import Sampling
from atp_ray.play.scenario import Numbers, Scenario

Visibility = Literal["replies", "choices", "counts"]
Feedback = Literal["choices_and_counts", "choices"]
Reading = Literal["last", "first"]
Unreadable = Literal["left_out", "counted"]
FIXED_COLLUDER, FIXED_REFUSER = "policy:collude", "policy:refrain"
POLICY_PREFIX = "policy:"


def plays_by_policy(checkpoint: str) -> bool:
    """Return whether a checkpoint is a policy without a language model."""
    return checkpoint.startswith(POLICY_PREFIX)


def _read_scenario(value: Any) -> Any:
    """Return plain data as the scenario of its kind."""
    return registry.scenario_model(str(value.get("kind"))).model_validate(value) if _is_plain(value) else value


def _read_numbers(value: Any) -> Any:
    """Return plain data as the numbers of its paradigm."""
    return registry.numbers_model(str(value.get("kind"))).model_validate(value) if _is_plain(value) else value


def _is_plain(value: Any) -> bool:
    return isinstance(value, Mapping)


class SeatGroup(Frozen):
    """`count` neighbouring seats played by one checkpoint, at one revision, with one set of sampling settings."""

    checkpoint: str
    count: int = Field(ge=1)
    revision: str = Field(default="", description="Hash or hub revision of the weights; empty for a policy.")
    sampling: Sampling = Sampling()


class EpisodeSpec(Frozen):
    """Everything that determines an episode; its hash is the episode's id."""

    scenario: SerializeAsAny[Annotated[Scenario, BeforeValidator(_read_scenario)]]
    parameters: SerializeAsAny[Annotated[Numbers, BeforeValidator(_read_numbers)]]
    seats: tuple[SeatGroup, ...] = Field(min_length=1)
    rounds: int = Field(default=3, ge=1)
    visibility: Visibility = "choices"
    history_window: int = Field(default=3, ge=1, description="Past rounds an agent is shown.")
    seed: int = Field(default=0, ge=0)
    feedback: Feedback = added("choices_and_counts", "What a round's outcome says besides the others' choices.")
    reading: Reading = added("last", "Which decision of a reply counts; `first` is the reference's rule.")
    unreadable: Unreadable = added(
        "left_out", "What an unreadable reply is in the rate; `counted` as the action undone."
    )
    network: Network = added(Complete(), "Who sees, or meets, whom.")
    network_seed: int | None = added(None, "Seed of a network that is drawn at random; null: the episode's.", ge=0)
    talk: int = added(0, "Longest message that agents may say before they decide, in characters; 0 for none.", ge=0)
    probes: tuple[Probe, ...] = added((), "Side questions, asked before the decisions and remembered by nobody.")
    probe_rounds: tuple[int, ...] = added((), "Rounds in which probes are asked; none given means all.")

    @model_validator(mode="after")
    def _consistent(self) -> EpisodeSpec:
        if self.feedback == "choices" and self.visibility == "counts":
            raise ValueError("feedback 'choices' hides the counts, which are all that visibility 'counts' shows")
        if self.scenario.paradigm != self.parameters.kind:
            raise ValueError(f"scenario '{self.scenario.name}' cannot be played with {self.parameters.kind} numbers")
        seated = sum(group.count for group in self.seats)
        if seated != self.parameters.n_agents:
            raise ValueError(f"seats hold {seated} agents but n_agents is {self.parameters.n_agents}")
        fixed = getattr(self.scenario, "fixed", None)
        if fixed is not None and fixed != self.parameters:
            raise ValueError(f"scenario '{self.scenario.name}' fixes its own n, threshold and rewards")
        planned = self.parameters.planned_rounds()
        if planned is not None and planned != self.rounds:
            raise ValueError(f"the scenario's numbers are for {planned} rounds, the episode has {self.rounds}")
        require_fits(self.network, self.parameters.n_agents)
        self._require_asides()
        return self

    def _require_asides(self) -> None:
        alone = self.parameters.n_agents == 1
        if self.talk and alone:
            raise ValueError("talk: an agent alone has nobody to talk to")
        names = [probe.name for probe in self.probes]
        if len(set(names)) < len(names):
            raise ValueError(f"probes: two are called '{max(names, key=names.count)}'")
        if alone and (others := next((probe.name for probe in self.probes if probe.about_others), None)):
            raise ValueError(f"probes: '{others}' asks about other agents, and there are none")
        if self.probe_rounds and not self.probes:
            raise ValueError("probe_rounds: there are no probes to ask")
        if wrong := next((number for number in self.probe_rounds if not 1 <= number <= self.rounds), None):
            raise ValueError(f"probe_rounds: there is no round {wrong} in {self.rounds}")

    def probes_at(self, round_number: int) -> tuple[Probe, ...]:
        """Return the probes that are asked in a round."""
        return self.probes if not self.probe_rounds or round_number in self.probe_rounds else ()

    @cached_property
    def episode_id(self) -> str:
        """16 hexadecimal digits; equal for equal experiments, today or after a crash."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def paradigm(self) -> str:
        """The name of the paradigm that is played."""
        return self.scenario.paradigm

    @cached_property
    def seat_groups(self) -> tuple[SeatGroup, ...]:
        """The group of each seat, length n_agents."""
        return tuple(group for group in self.seats for _ in range(group.count))

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """The neighbours of each seat; None where everyone is everyone's."""
        return neighbours(self.network, self.parameters.n_agents, self.drawn_with)

    @property
    def drawn_with(self) -> int:
        """The seed of the network."""
        return self.seed if self.network_seed is None else self.network_seed


def seat_plan(group: SeatGroup, fixed_colluders: int, position: Literal["head", "tail"]) -> tuple[SeatGroup, ...]:
    """Return `group` with its first or last `fixed_colluders` seats given to fixed colluders.

    Raises:
        ValueError: `fixed_colluders` is negative or leaves no seat for the checkpoint.
    """
    if not 0 <= fixed_colluders < group.count:
        raise ValueError(f"fixed_colluders must be 0..{group.count - 1}, got {fixed_colluders}")
    if fixed_colluders == 0:
        return (group,)
    fixed = SeatGroup(checkpoint=FIXED_COLLUDER, count=fixed_colluders)
    learners = group.model_copy(update={"count": group.count - fixed_colluders})
    return (fixed, learners) if position == "head" else (learners, fixed)
