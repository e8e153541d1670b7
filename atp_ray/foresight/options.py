"""The options of `foresight`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import CliPositionalArg, CliSubCommand

from atp_ray.cli.options import CommandOptions, Count, KeyValues, Options, Place, Seed, Shown, one_as_several
from atp_ray.config_files import config_names


def grid_names() -> list[str]:
    """Return the names that --grid takes."""
    return config_names("grids")


File = Annotated[Path, Shown("FILE")]
Several = Annotated[tuple[str, ...], BeforeValidator(one_as_several)]


class FitOptions(CommandOptions):
    """Fit how a checkpoint responds: to a run of games, or to a table of naming-game interactions."""

    run: CliPositionalArg[Annotated[Place, Shown("RUN")] | None] = Field(None, description="run of games")
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

    @property
    def name_list(self) -> tuple[str, ...]:
        """The names one by one."""
        return tuple(name.strip() for name in (self.names or "").split(","))


class PredictOptions(CommandOptions):
    """Predict how many committed agents flip a population."""

    response: CliPositionalArg[Annotated[Path, Shown("RESPONSE")]] = Field(description="file that fit wrote")
    n_agents: Annotated[int, Field(ge=2), Shown("N")] = Field(24, description="agents of the population")
    committed: Annotated[str, Shown("COUNTS")] = Field(
        "1-12", description="numbers of agents that always choose --to: a range, or numbers separated by commas"
    )
    start: Annotated[str | None, Shown("NAME")] = Field(
        None, alias="from", description="name the population had agreed on; the first one if not given"
    )
    to: Annotated[str | None, Shown("NAME")] = Field(
        None, description="name of the committed agents; the second one if not given"
    )
    interactions_total: Count = Field(800, description="interactions to play")
    runs: Count = Field(200, description="populations to play for each number and each bootstrap sample")
    seed: Seed = Field(0, description="seed of the populations")
    observed: File | None = Field(None, description="table of interactions with real runs of the experiment swap")
    out: Annotated[File, Shown("FILE")] = Field(Path("flips.parquet"), description="table to write; figures beside it")

    @property
    def counts(self) -> list[int]:
        """The numbers of committed agents, in order and without repetition."""
        return sorted({count for part in self.committed.split(",") for count in _range(part)})

    @field_validator("committed")
    @classmethod
    def _counts_are_numbers(cls, text: str) -> str:
        for part in text.split(","):
            _range(part)
        return text


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
    rates: CliSubCommand[RatesOptions]


def _range(part: str) -> range:
    first, _, last = part.strip().partition("-")
    try:
        found = range(int(first), int(last or first) + 1)
    except ValueError:
        raise ValueError(f"'{part.strip()}' is not a number of agents. Write numbers as in 1-12 or 2,4,8") from None
    if not found or found.start < 0:
        raise ValueError(f"'{part.strip()}' is an empty range. Write numbers as in 1-12 or 2,4,8")
    return found
