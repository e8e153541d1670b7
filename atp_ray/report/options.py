"""The options of `report`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import CliPositionalArg

from atp_ray.cli.options import CommandOptions, FolderPlace, Place, Shown
from atp_ray.errors import suggestion

FORMATS = ("png", "svg", "pdf")


class ReportOptions(CommandOptions):
    """Print and plot the results of a run, with the paper's published values beside them."""

    run: CliPositionalArg[Annotated[Place, Shown("RUN")]] = Field(
        description="run that sweep or align wrote: a folder, s3://..., gs://..."
    )
    out: FolderPlace | None = Field(None, description="folder for the figures; in the run folder if not given")
    format: Annotated[str, Shown("FORMATS")] = Field(
        "png,svg", description=f"formats of the figures, separated by commas: {', '.join(FORMATS)}"
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
