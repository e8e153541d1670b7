"""What a naming game is: its words, its names and its numbers (arXiv 2410.08948, 2510.22422)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from atp_ray.config_files import Number
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.scenario import Numbers, Scenario
from atp_ray.play.wording import Words

Pairing = Literal["asynchronous", "synchronous"]
Order = Literal["shuffled", "fixed"]
MOST_NAMES = 26
PAIRINGS: dict[Pairing, str] = {
    "asynchronous": "one random pair in each round",
    "synchronous": "everyone in random pairs in each round",
}


def _split(names: Any) -> Any:
    """Return names in one text, separated by commas, one by one."""
    return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names


def _require_distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError(f"the names must differ, also without case: {', '.join(names)}")
    return names


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20, pattern=r"^[^\W_](?:[\w -]*[^\W_])?$")
]
Names = Annotated[tuple[Name, ...], BeforeValidator(_split), Field(min_length=2, max_length=MOST_NAMES)]


class ConventionNumbers(Numbers):
    """What a naming game is played with.

    `names` is the list in the order in which it was given. With `established` all agents begin with full memories of
    that name, without it with empty ones. `challenger` is the name of committed agents, counted as deviant.
    """

    kind: Literal["conventions"] = "conventions"
    n_agents: int = Field(ge=2, description="Agents of the population.")
    names: Names
    established: Name | None = None
    challenger: Name
    order: Order = "shuffled"
    pairing: Pairing = "asynchronous"
    success: Number = Field(default=100.0, description="Points for each of two that choose the same name.")
    failure: Number = Field(default=-50.0, description="Points for each of two that choose different names.")

    _distinct = field_validator("names")(_require_distinct)

    @model_validator(mode="after")
    def _consistent(self) -> ConventionNumbers:
        for role, name in (("established", self.established), ("challenger", self.challenger)):
            if name is not None and name not in self.names:
                raise ValueError(f"{role} '{name}' is not one of the names {', '.join(self.names)}")
        if self.challenger == self.established:
            raise ValueError(f"established and challenger are both '{self.challenger}'")
        if self.success <= self.failure:
            raise ValueError(f"success must pay more than failure, not {self.success:g} and {self.failure:g}")
        return self

    @property
    def options(self) -> tuple[str, ...]:
        """The names in the order of options: the challenger, the established one, the others."""
        first = [name for name in (self.challenger, self.established) if name is not None]
        return (*first, *(name for name in self.names if name not in first))

    @property
    def established_option(self) -> int | None:
        """The index of the established name among the options, None from scratch."""
        return None if self.established is None else 1


class NamingGame(Scenario):
    """A naming game in words.

    `names` are what an episode's list is taken from, unless a request has a list of its own; `played` is the list of
    an episode, in the order of options. `situation` may use `{n}`, the number of agents.
    """

    paradigm: ClassVar[str] = "conventions"
    kind: Literal["naming_game"] = "naming_game"
    situation: Words
    names: Names
    played: tuple[Name, ...] = ()

    _distinct = field_validator("names")(_require_distinct)

    @property
    def options(self) -> tuple[str, ...]:
        """The names to choose from: the challenger first, then the established one, then the others."""
        return self.played or self.names

    def filled(self, numbers: ConventionNumbers) -> NamingGame:
        """Return the game with the names of an episode."""
        return self.model_copy(update={"played": numbers.options})

    def wording(self) -> NamingGame:
        """Return the game without the names of an episode."""
        return self.model_copy(update={"played": ()})


class Naming(NamedTuple):
    """A naming game with its numbers."""

    scenario: NamingGame
    numbers: ConventionNumbers


def naming_of(spec: EpisodeSpec) -> Naming:
    """Return the naming game an episode plays.

    Raises:
        TypeError: the episode is of another paradigm.
    """
    scenario, numbers = spec.scenario, spec.parameters
    if isinstance(scenario, NamingGame) and isinstance(numbers, ConventionNumbers):
        return Naming(scenario, numbers)
    raise TypeError(f"{spec.paradigm} is no naming game")


def names_text(names: Sequence[str]) -> str:
    """Return a list of names as one text, as tables have it."""
    return ",".join(names)
