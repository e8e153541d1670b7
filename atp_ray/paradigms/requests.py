"""What somebody may ask for: one episode of any paradigm. A grid is the same with axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from atp_ray.config_files import Frozen, Whole, load_yaml
from atp_ray.errors import UsageError, suggestion
from atp_ray.networks.kinds import EVERYONE, Complete, EdgeList
from atp_ray.paradigms.paradigm import Paradigm
from atp_ray.paradigms.registry import DEFAULT, paradigm, paradigm_names, paradigms
from atp_ray.play.episodes import Reading, Unreadable
from atp_ray.play.probes import Probe, load_probe
from atp_ray.play.sampling import SamplingChange

MOST_ROUNDS, MOST_AGENTS, LONGEST_WINDOW = 10_000, 1_000_000, 100
MOST_SEED = 2**53
LONGEST_TALK, MOST_PROBES = 2000, 20

Rounds = Annotated[Whole, Field(ge=1, le=MOST_ROUNDS, description="Rounds of an episode.")]
Window = Annotated[Whole, Field(ge=1, le=LONGEST_WINDOW, description="Past rounds an agent is shown.")]
ReadingChoice = Annotated[
    Reading,
    Field(description="Which decision counts: the last one after thinking, or the first anywhere in the reply."),
]
UnreadableChoice = Annotated[
    Unreadable,
    Field(
        description="Unreadable replies: left out of the rate, or counted as not colluding, violating, using the tool."
    ),
]


def _listed(value: Any) -> Any:
    """Return one value, or several in a text with commas between them, as a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int | Mapping) else value


def _read_probes(value: Any) -> Any:
    """Return probes, shipped ones given by name.

    Raises:
        ValueError: there is none of that name.
    """
    listed = _listed(value)
    if not isinstance(listed, list | tuple):
        return listed
    try:
        return [load_probe(entry) if isinstance(entry, str) else entry for entry in listed]
    except UsageError as error:
        raise ValueError(f"{error.what}. {error.hint}" if error.hint else error.what) from error


def _read_rounds(value: Any) -> Any:
    """Return round numbers, also those in a text."""
    listed = _listed(value)
    if not isinstance(listed, list | tuple):
        return listed
    return [int(entry) if isinstance(entry, str) and entry.isdecimal() else entry for entry in listed]


class AsideSettings(Frozen):
    """What one episode and a grid of episodes may ask of agents beside their decisions; nothing by default."""

    talk: Whole = Field(
        default=0,
        ge=0,
        le=LONGEST_TALK,
        description="Longest message that agents may say to each other before they decide, in characters; 0: none.",
    )
    probes: Annotated[tuple[Probe, ...], BeforeValidator(_read_probes)] = Field(
        default=(),
        max_length=MOST_PROBES,
        description="Side questions to every agent, remembered by nobody: names of shipped ones, or whole questions.",
    )
    probe_rounds: Annotated[tuple[Annotated[Whole, Field(ge=1)], ...], BeforeValidator(_read_rounds)] = Field(
        default=(), max_length=MOST_ROUNDS, description="Rounds in which probes are asked; none given means all."
    )


class Players(Frozen):
    """`seats` neighbouring seats played by one checkpoint."""

    checkpoint: str = Field(default="tiny", max_length=200)
    seats: Whole = Field(ge=1, le=MOST_AGENTS)


class EpisodeRequest(AsideSettings):
    """One episode, as somebody asks for it; each paradigm adds its own fields, their bounds and their defaults.

    `local_fields` name files of this machine; over HTTP they may not be set.
    """

    local_fields: ClassVar[tuple[str, ...]] = ()

    paradigm: str
    scenario: str = Field(max_length=200)
    players: tuple[Players, ...] = Field(
        default=(), max_length=1000, description="Who takes which seats. Default: one checkpoint takes all."
    )
    n_agents: Whole = Field(ge=1, le=MOST_AGENTS)
    rounds: Rounds
    history_window: Window
    seed: Whole = Field(default=0, ge=0, le=MOST_SEED)
    sampling: SamplingChange = Field(default=SamplingChange(), description="Changes to the checkpoints' sampling.")

    @model_validator(mode="after")
    def _seats_agree(self) -> EpisodeRequest:
        if self.players and "n_agents" in self.model_fields_set and self.n_agents != self.seated:
            raise ValueError(f"players hold {self.seated} seats but n_agents is {self.n_agents}")
        return self

    @property
    def files(self) -> list[str]:
        """The fields that name a file of this machine."""
        listed = [name for name in self.local_fields if name in self.model_fields_set]
        return listed + [name for name, value in self if isinstance(value, EdgeList) and value.file]

    @property
    def seated(self) -> int:
        """How many seats there are."""
        return sum(part.seats for part in self.players) or self.n_agents

    def seats_of(self, default: str) -> list[tuple[str, int]]:
        """Return the checkpoints with the seats each takes; without players all seats go to `default`.

        Raises:
            UsageError: one of them cannot play this paradigm.
        """
        seated = [(part.checkpoint, part.seats) for part in self.players] or [(default, self.n_agents)]
        for name, _ in seated:
            paradigm(self.paradigm).require_player(name)
        return seated


def network_field(what: str) -> Any:
    """Return the field of a request's network; `what` says what being linked means."""
    described = f"{what}, e.g. watts_strogatz:k=4,p=0.1."
    return Field(default=Complete(), description=described, json_schema_extra={"default": EVERYONE})


def paradigm_of(fields: Mapping[str, Any], where: str = "scenario", *, files: bool = False) -> Paradigm:
    """Return the paradigm of a request: the one it names, else the one its scenario belongs to, else the default one.

    Args:
        files: whether the scenario may be a file of this machine.

    Raises:
        UsageError: there is no such paradigm, or no scenario of that name and it is no file either.
    """
    if "paradigm" in fields:
        return paradigm(str(fields["paradigm"]))
    if "scenario" not in fields:
        return paradigm(DEFAULT)
    scenario = str(fields["scenario"])
    if (owner := scenario_owner(scenario)) is not None:
        return paradigm(owner)
    if files and scenario.endswith((".yaml", ".yml")):
        return _paradigm_of_file(Path(scenario))
    if files and ":" in scenario:
        return paradigm(DEFAULT)
    known = [name for room in paradigms() for name in room.design.scenario_names()]
    raise UsageError(f"unknown scenario '{scenario}'", where, suggestion(scenario, known))


def _paradigm_of_file(path: Path) -> Paradigm:
    """Return the paradigm whose scenarios have the file's `kind`, or all of its keys."""
    data = load_yaml(path)
    if not isinstance(data, dict) or not data:
        return paradigm(DEFAULT)  # whose model says what is wrong
    for room in paradigms():
        for model in room.environment.scenario_models:
            if data.get("kind") == model.model_fields["kind"].default or set(data) <= set(model.model_fields):
                return room
    return paradigm(DEFAULT)


def is_known(fields: Mapping[str, Any]) -> bool:
    """Return whether the paradigm of a request is one that is installed here."""
    if "paradigm" in fields:
        return fields["paradigm"] in paradigm_names()
    return "scenario" not in fields or scenario_owner(str(fields["scenario"])) is not None


def scenario_owner(scenario: str) -> str | None:
    """Return the name of the paradigm that ships a scenario of that name, None where none does."""
    return next((room.name for room in paradigms() if scenario in room.design.scenario_names()), None)


def require_fields(
    room: Paradigm, given: Iterable[str], model_of: Callable[[Paradigm], type[BaseModel]], where: str
) -> None:
    """Refuse fields that the paradigm does not have.

    Args:
        model_of: the model of a paradigm whose fields are meant: its request or its grid.
        where: names the source, or the option: `{}` stands for the field.

    Raises:
        UsageError: names the field, and whose it is.
    """
    known = model_of(room).model_fields
    for name in given:
        if name in known:
            continue
        owners = [other.title for other in paradigms() if name in model_of(other).model_fields]
        if owners:
            reason = f"'{name}' does not belong to {room.title}"
            raise UsageError(reason, where.format(name), f"It is a field of {' and '.join(owners)}")
        raise UsageError(f"unknown key '{name}'", where.format(name), suggestion(name, known))
