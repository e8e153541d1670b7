"""The options of `report`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import CliPositionalArg, CliSubCommand

from atp_ray.cli.options import Checkpoint, CommandOptions, Count, FolderPlace, Options, Place, Shown, one_as_several
from atp_ray.errors import suggestion

FORMATS = ("png", "svg", "pdf")
# Format -> the module of atp_ray.report.exports that writes it; none is imported before it is asked for.
EXPORTS = {"csv": "csv_files", "latex": "latex_tables", "inspect": "inspect_logs"}


class FigureOptions(CommandOptions):
    """The flag of a command that draws."""

    format: Annotated[str, Shown("FORMATS")] = Field(
        "png,svg", description=f"formats of the figures, separated by commas: {', '.join(FORMATS)}"
    )

    html: bool = Field(False, description="write one self-contained report.html instead of figures")

    @field_validator("format")
    @classmethod
    def _formats_are_known(cls, text: str) -> str:
        for name in text.split(","):
            if name.strip() not in FORMATS:
                raise ValueError(f"unknown format '{name.strip()}'. {suggestion(name.strip(), FORMATS)}")
        return text

    @property
    def formats(self) -> list[str]:
        """The formats one by one."""
        return [name.strip() for name in self.format.split(",")]


class ShowOptions(FigureOptions):
    """Print and plot the results of a run, with the paper's published values beside them."""

    run: CliPositionalArg[Annotated[Place, Shown("RUN")]] = Field(
        description="run that sweep or align wrote: a folder, s3://..., gs://..."
    )
    out: FolderPlace | None = Field(None, description="folder for the figures; in the run folder if not given")


class CompareOptions(FigureOptions):
    """Compare checkpoints with their base, paired: round 1, the last round, what was eroded, time to tip."""

    runs: CliPositionalArg[Annotated[tuple[Place, ...], BeforeValidator(one_as_several), Shown("RUN")]] = Field(
        min_length=1, description="one run with several checkpoints, or several runs of the same grid"
    )
    base: Checkpoint | None = Field(
        None, description="checkpoint that the others are compared with; the first run's first if not given"
    )
    out: FolderPlace | None = Field(
        None, description="folder for figures and Parquet; comparison/ in the first run folder if not given"
    )


class ExportOptions(CommandOptions):
    """Write the results of a run in the format of another tool."""

    run: CliPositionalArg[Annotated[Place, Shown("RUN")]] = Field(description="run that sweep wrote")
    to: Annotated[str, Shown("FORMAT", names=lambda: EXPORTS)] = Field(description="format to write")
    out: FolderPlace | None = Field(None, description="folder to write; export-FORMAT in the run folder if not given")

    @field_validator("to")
    @classmethod
    def _format_is_known(cls, name: str) -> str:
        if name not in EXPORTS:
            raise ValueError(f"unknown format '{name}'. {suggestion(name, EXPORTS)}")
        return name


class PowerOptions(CommandOptions):
    """Say how many seeds it takes to see a difference, from a pilot run or from assumptions."""

    difference: Annotated[float, Field(gt=0, le=1), Shown("D")] = Field(
        description="fall of the deviant rate to be seen, 0.2 for 20 points"
    )
    grid: Annotated[str | None, Shown("GRID")] = Field(None, description="grid to be played, with --rate and --icc")
    pilot: Annotated[Place | None, Shown("RUN")] = Field(
        None, description="run to take rate, correlation, units and settings from, in place of a grid"
    )
    checkpoint: Checkpoint | None = Field(None, description="checkpoint of the pilot run; its first if not given")
    round: Literal["first", "last"] = Field("last", description="round of the pilot run to take them from")
    rate: Annotated[float | None, Field(ge=0, le=1), Shown("RATE")] = Field(
        None, description="deviant rate of the base; the pilot's if not given"
    )
    icc: Annotated[float | None, Field(ge=0, le=1), Shown("ICC")] = Field(
        None, description="intra-class correlation: how alike decisions of one episode are; the pilot's if not given"
    )
    effect_spread: Annotated[float, Field(ge=0, le=1), Shown("SD")] = Field(
        0.0, description="how much units differ in the fall itself: a standard deviation in rates"
    )
    settings: Count | None = Field(None, description="settings that are compared; the grid's or pilot's if not given")
    units: Count | None = Field(None, description="units of a setting; the grid's or pilot's if not given")
    alpha: Annotated[float, Field(gt=0, lt=1), Shown("ALPHA")] = Field(0.05, description="significance level")
    power: Annotated[float, Field(gt=0, lt=1), Shown("POWER")] = Field(0.8, description="chance that is enough")


class ReportOptions(Options):
    """Print and plot the results of runs; `report RUN` is `report show RUN`."""

    default_command: ClassVar[str | None] = "show"

    show: CliSubCommand[ShowOptions]
    export: CliSubCommand[ExportOptions]
    compare: CliSubCommand[CompareOptions]
    power: CliSubCommand[PowerOptions]
