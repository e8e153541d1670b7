"""The options of `checkpoints`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import CliPositionalArg, CliSubCommand

from atp_ray.cli.options import ClusterOptions, CommandOptions, Count, Folder, Options, Seed, Shown
from atp_ray.play.cells import Embedded


class ListOptions(CommandOptions):
    """List the checkpoints that --checkpoint takes by name."""


class CardOptions(CommandOptions):
    """Show the card of a checkpoint."""

    checkpoint: CliPositionalArg[str] = Field("tiny", description="name of the checkpoint")


class BuildOptions(CommandOptions):
    """Train an embedded checkpoint."""

    checkpoint: CliPositionalArg[Embedded] = Field(description="name of the embedded checkpoint")
    out: Folder | None = Field(None, description="folder to write; that of the embedded checkpoint if not given")
    steps: Count | None = Field(None, description="training steps; the recipe's if not given")
    seed: Seed = Field(0, description="seed of weights and data")


class EnginesOptions(ClusterOptions):
    """List what commands run on a cluster's Ray Serve, or stop what was kept."""

    stop: Annotated[str | None, Shown("NAME")] = Field(None, description="end this one, once no command holds it")


class CheckpointsOptions(Options):
    """List the available checkpoints, show their cards, build the embedded ones, list and stop engines."""

    list: CliSubCommand[ListOptions]
    card: CliSubCommand[CardOptions]
    build: CliSubCommand[BuildOptions]
    engines: CliSubCommand[EnginesOptions]
