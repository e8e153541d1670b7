"""The options of `foresight`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import CliPositionalArg, CliSubCommand

from atp_ray.cli.options import CommandOptions, Count, KeyValues, Options, Place, Seed, Shown, one_as_several
from atp_ray.config_files import config_names
from atp_ray.errors import suggestion
from atp_ray.networks.neighbours import Neighbours, neighbours
from atp_ray.networks.texts import read_network
from atp_ray.responses.families import FAMILIES, Family


def grid_names() -> list[str]:
    """Return the names that --grid takes."""
    return config_names("grids")


File = Annotated[Path, Shown("FILE")]
Several = Annotated[tuple[str, ...], BeforeValidator(one_as_several)]


class FitOptions(CommandOptions):
    """Fit how a checkpoint responds: to a run of games or conventions, or to a table of naming-game interactions."""

    run: CliPositionalArg[Annotated[Place, Shown("RUN")] | None] = Field(None, description="run to fit to")
    checkpoint: Annotated[str | None, Shown("CHECKPOINT")] = Field(
        None, description="whose decisions in the run; if not given, those of its only checkpoint"
    )
    interactions: File | None = Field(
        None, description="Parquet table of interactions instead of a run; see docs/foresight.md for its columns"
    )
    model: Annotated[str | None, Shown("NAME")] = Field(None, description="whose interactions, as the table calls it")
    experiment: Annotated[Several, Shown("NAME")] = Field(
        ("converged",), description="which of its experiments, repeat for several"
    )
    names: Annotated[str | None, Shown("A,B,...")] = Field(
        None, description="the names to choose from, separated by commas"
    )
    n_agents: Count | None = Field(None, description="only populations of this many agents")
    memory: Count | None = Field(None, description="only agents that remember this many interactions")
    families: Annotated[str | None, Shown("NAME,...")] = Field(
        None, description=f"families of responses to try: {', '.join(FAMILIES)}; all that take minutes if not given"
    )
    bootstrap: Count = Field(50, description="bootstrap samples of the runs, for the intervals of predictions")
    seed: Seed = Field(0, description="seed of folds and bootstrap samples")
    out: Annotated[File, Shown("FILE")] = Field(Path("response.json"), description="file to write")

    @field_validator("names")
    @classmethod
    def _names_differ(cls, text: str | None) -> str | None:
        if text is None:
            return None
        names = [name.strip() for name in text.split(",")]
        if len(names) < 2 or "" in names or len(set(names)) < len(names):
            raise ValueError(f"'{text}' is not a list of two or more different names. Write them as in M,Q")
        return text

    @field_validator("families")
    @classmethod
    def _families_are_known(cls, text: str | None) -> str | None:
        for family in text.split(",") if text else ():
            if family.strip() not in FAMILIES:
                raise ValueError(f"unknown family '{family.strip()}'. {suggestion(family.strip(), FAMILIES)}")
        return text

    @property
    def family_list(self) -> list[Family]:
        """The families one by one; empty if all are meant."""
        wanted = {name.strip() for name in (self.families or "").split(",")}
        return [family for family in FAMILIES if family in wanted]

    @property
    def name_list(self) -> tuple[str, ...]:
        """The names one by one."""
        return tuple(name.strip() for name in (self.names or "").split(","))


class PopulationOptions(CommandOptions):
    """Which populations of a response are meant."""

    response: CliPositionalArg[Annotated[Path, Shown("RESPONSE")]] = Field(description="file that fit wrote")
    start: Annotated[str | None, Shown("NAME")] = Field(
        None, alias="from", description="name the population had agreed on; the first one if not given"
    )
    to: Annotated[str | None, Shown("NAME")] = Field(
        None, description="name of the committed agents; the second one if not given"
    )
    interactions_total: Count = Field(800, description="interactions of a naming game to play")
    set: KeyValues = Field(
        (), description="field of a game's request, such as threshold=0.75, rounds=6; repeat for several"
    )
    network: Annotated[str, Shown("KIND:...")] = Field(
        "complete", description="who can meet, or see, whom, such as ring or watts_strogatz:k=4,p=0.1"
    )
    seed: Seed = Field(0, description="seed of the populations")

    @field_validator("network")
    @classmethod
    def _network_is_one(cls, text: str) -> str:
        read_network(text)
        return text

    def neighbours(self, n_agents: int) -> Neighbours | None:
        """Return who can meet whom among so many; None where all can meet all.

        Raises:
            UsageError: so many agents cannot form this network.
        """
        return neighbours(read_network(self.network), n_agents, self.seed)


class PredictOptions(PopulationOptions):
    """Predict how many committed agents, or fixed colluders, flip a population."""

    n_agents: Annotated[str | None, Shown("N,...")] = Field(
        None, description="agents of the population, several separated by commas; 24, and in games 8, if not given"
    )
    committed: Annotated[str | None, Shown("COUNTS")] = Field(
        None,
        description="numbers of agents that always choose --to, or collude: a range, or numbers separated by commas, "
        "or shares of all with a percent sign; 1-12, and in games nobody to all but one, if not given",
    )
    runs: Count = Field(200, description="populations to play for each number and each bootstrap sample")
    observed: File | None = Field(
        None,
        description="table of interactions with real runs of the experiment swap, or a run of games, to compare with",
    )
    source: str | None = Field(
        None, description="source of --observed, as the figure should name it; its file name if not given"
    )
    out: Annotated[File, Shown("FILE")] = Field(Path("flips.parquet"), description="table to write; figures beside it")

    @property
    def sizes(self) -> list[int]:
        """The numbers of agents, in order and without repetition; none if not given."""
        return sorted(set(_sizes(self.n_agents))) if self.n_agents else []

    def counts(self, n_agents: int, default: str) -> list[int]:
        """Return the numbers of committed agents of so many, in order and without repetition."""
        return sorted({count for part in (self.committed or default).split(",") for count in _counts(part, n_agents)})

    @field_validator("committed")
    @classmethod
    def _counts_are_numbers(cls, text: str | None) -> str | None:
        for part in text.split(",") if text else ():
            _range(part.removesuffix("%"))
        return text

    @field_validator("n_agents")
    @classmethod
    def _sizes_are_numbers(cls, text: str | None) -> str | None:
        if text is not None:
            _sizes(text)
        return text


class InterventionOptions(PopulationOptions):
    """Rank what stops a population from tipping, by the dose it takes."""

    n_agents: Annotated[int | None, Field(ge=2), Shown("N")] = Field(
        None, description="agents of the population; 24, and in games 8, if not given"
    )
    committed: Annotated[int | None, Field(ge=0), Shown("K")] = Field(
        None,
        description="agents that always choose --to, or collude; as many as flip 19 of 20 populations if not given",
    )
    dose: Annotated[float, Field(gt=0, le=1)] = Field(
        0.25, description="share of each intervention's range at which its effect is told"
    )
    runs: Count = Field(100, description="populations to play for each dose and each bootstrap sample")
    samples: Count = Field(20, description="bootstrap samples to play")
    out: Annotated[File, Shown("FILE")] = Field(Path("interventions.parquet"), description="table to write")


class RatesOptions(CommandOptions):
    """Predict the deviant rates of populations of a fitted response, round by round, without playing them."""

    response: CliPositionalArg[Annotated[Path, Shown("RESPONSE")]] = Field(description="file that fit RUN wrote")
    grid: Annotated[str, Shown("GRID", names=grid_names)] = Field(
        "figure3", description="path of a YAML file, or the name of a grid"
    )
    n_agents: Count | None = Field(None, description="agents per game; the grid's if not given")
    rounds: Count | None = Field(None, description="rounds per episode; the grid's if not given")
    set: KeyValues = Field((), description="change any key of the grid; repeat for several")
    observed: Annotated[tuple[Place, ...], BeforeValidator(one_as_several), Shown("RUN")] = Field(
        (),
        description="run that played it: its settings are predicted instead of a grid's, and its rates put beside; "
        "repeat for several",
    )
    out: Annotated[File, Shown("FILE")] = Field(
        Path("rates.parquet"), description="table to write; with --observed a figure beside it"
    )


class ForesightOptions(Options):
    """Foresee where a population tips: fit how a model responds, and play many of it in arrays."""

    fit: CliSubCommand[FitOptions]
    predict: CliSubCommand[PredictOptions]
    interventions: CliSubCommand[InterventionOptions]
    rates: CliSubCommand[RatesOptions]


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 2:
        raise ValueError(f"'{text}' is not a number of agents from 2 on. Write one, or several as in 8,64,512")
    return sizes


def _counts(part: str, n_agents: int) -> list[int]:
    found = _range(part.removesuffix("%"))
    return [round(n_agents * count / 100) for count in found] if part.endswith("%") else list(found)


def _range(part: str) -> range:
    first, _, last = part.strip().partition("-")
    try:
        found = range(int(first), int(last or first) + 1)
    except ValueError:
        raise ValueError(f"'{part.strip()}' is not a number of agents. Write numbers as in 1-12 or 2,4,8") from None
    if not found or found.start < 0:
        raise ValueError(f"'{part.strip()}' is an empty range. Write numbers as in 1-12 or 2,4,8")
    return found
