"""The options of `checkpoints`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import CliPositionalArg, CliSubCommand

from atp_ray.cli.options import CommandOptions, Count, Folder, Options, Seed


class ListOptions(CommandOptions):
    """List the checkpoints that --checkpoint takes by name."""


class CardOptions(CommandOptions):
    """Show the card of a checkpoint."""

    checkpoint: CliPositionalArg[str] = Field("tiny", description="name of the checkpoint")


class BuildOptions(CommandOptions):
    """Train the embedded checkpoint."""

    checkpoint: CliPositionalArg[Literal["tiny"]] = Field(description="name of the embedded checkpoint")
    out: Folder | None = Field(None, description="folder to write; that of the embedded checkpoint if not given")
    steps: Count | None = Field(None, description="training steps; the recipe's if not given")
    seed: Seed = Field(0, description="seed of weights and data")


class CheckpointsOptions(Options):
    """List the available checkpoints, show their cards, build the embedded one."""

    list: CliSubCommand[ListOptions]
    card: CliSubCommand[CardOptions]
    build: CliSubCommand[BuildOptions]
