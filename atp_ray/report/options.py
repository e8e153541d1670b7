"""The options of `report`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, field_validator
from pydantic_settings import CliPositionalArg, CliSubCommand

from atp_ray.cli.options import CommandOptions, FolderPlace, Options, Place, Shown
from atp_ray.errors import suggestion

FORMATS = ("png", "svg", "pdf")
# Format -> the module of atp_ray.report.exports that writes it; none is imported before it is asked for.
EXPORTS = {"csv": "csv_files", "latex": "latex_tables", "inspect": "inspect_logs"}


class ShowOptions(CommandOptions):
    """Print and plot the results of a run, with the paper's published values beside them."""

    run: CliPositionalArg[Annotated[Place, Shown("RUN")]] = Field(
        description="run that sweep or align wrote: a folder, s3://..., gs://..."
    )
    out: FolderPlace | None = Field(None, description="folder for the figures; in the run folder if not given")
    format: Annotated[str, Shown("FORMATS")] = Field(
        "png,svg", description=f"formats of the figures, separated by commas: {', '.join(FORMATS)}"
    )

    html: bool = Field(
        False, description="write one self-contained report.html instead of figures; in the run folder without --out"
    )

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


class ReportOptions(Options):
    """Print and plot the results of runs; `report RUN` is `report show RUN`."""

    default_command: ClassVar[str | None] = "show"

    show: CliSubCommand[ShowOptions]
    export: CliSubCommand[ExportOptions]
