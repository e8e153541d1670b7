"""The options of `align` and its subcommands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import CliPositionalArg, CliSubCommand

from atp_ray.alignment.elicitation import Elicitation
from atp_ray.alignment.profiles import Method
from atp_ray.cli.options import (
    ENGINE_SETTINGS,
    Checkpoint,
    ClusterOptions,
    CommandOptions,
    Count,
    EngineOptions,
    FolderPlace,
    KeyValues,
    Options,
    Place,
    Seed,
    Shown,
)
from atp_ray.cli.trackers import TrackerNames
from atp_ray.errors import suggestion
from atp_ray.paradigms.registry import paradigm_names
from atp_ray.paradigms.teaching import Like


def known_paradigm(name: str) -> str:
    """Return the name of a paradigm.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in paradigm_names():
        raise ValueError(f"unknown paradigm '{name}'. {suggestion(name, paradigm_names())}")
    return name


TRIES: Mapping[Elicitation, int] = {"instructed": 5, "plain": 40}
ParadigmName = Annotated[str, AfterValidator(known_paradigm), Shown("PARADIGM", names=paradigm_names)]


class PairsOptions(EngineOptions):
    """Collect preference pairs from a checkpoint's own replies."""

    paradigm: ParadigmName = Field(description="paradigm that the prompts are from")
    checkpoint: Checkpoint = Field("tiny", description="checkpoint to ask")
    out: FolderPlace | None = Field(
        None, description="folder or address, resumed if it exists; runs/pairs-CHECKPOINT-PARADIGM if not given"
    )
    count: Count | None = Field(None, description="number of prompts; as many as in the paper if not given")
    tries: Count | None = Field(
        None,
        description="attempts per side to get the wanted reply; "
        f"{TRIES['instructed']} if not given, {TRIES['plain']} with --elicitation plain",
    )
    elicitation: Elicitation | None = Field(
        None,
        description="tell the model which side is wanted, or wait for chance under the plain prompt; plain for tiny "
        "and instructed for others if not given",
    )
    seed: Seed = Field(0, description="seed of the prompts' numbers")
    max_tokens_total: Count | None = Field(
        None, description="begin no further prompt once prompts and replies have so many tokens"
    )
    like: Like = Field(
        "ours",
        description="paper: its prompts' numbers, replies with their thinking, and in tool usage whole solutions "
        "beside plain samples",
    )
    set: KeyValues = Field((), description=ENGINE_SETTINGS)


class ExportOptions(CommandOptions):
    """Write pairs for another tool."""

    pairs: CliPositionalArg[Place] = Field(description="pairs.parquet, or its folder; a path or an address")
    format: Literal["llama-factory", "trl"] = Field("llama-factory", description="format to write")
    out: Annotated[Place, Shown("FILE")] = Field(description="a .json file, or .jsonl for trl")


class ImportOptions(CommandOptions):
    """Read LLaMA-Factory preference JSON."""

    file: CliPositionalArg[Place] = Field(description="file to read")
    out: FolderPlace = Field(description="folder for pairs.parquet")


class TrainOptions(ClusterOptions):
    """The flags of both training methods."""

    profile: Annotated[str, Shown("PROFILE")] = Field(
        description="name of a profile in configs/training, or the path of a YAML file"
    )
    checkpoint: Checkpoint | None = Field(None, description="base checkpoint; the profile's if not given")
    set: KeyValues = Field((), description="change a key of the profile; repeat for several")
    out: FolderPlace | None = Field(
        None, description="run folder or address, resumed if it exists; runs/PROFILE if not given"
    )
    storage: Annotated[Place | None, Shown("PLACE")] = Field(
        None, description="where checkpoints go: a shared folder, s3://..., gs://...; the run folder if not given"
    )
    track: TrackerNames = Field((), description="also send metrics there; repeat for both")
    dry_run: bool = Field(False, description="check data and memory, and stop")


class DpoOptions(TrainOptions):
    """Train a checkpoint by DPO under Ray Train."""

    method: ClassVar[Method] = "dpo"

    pairs: Annotated[Place | None, Shown("PAIRS")] = Field(
        None, description="pairs.parquet, its folder, or a .json file; those that `align pairs` collected if not given"
    )


class GrpoOptions(TrainOptions):
    """Train a checkpoint by GRPO under Ray Train."""

    method: ClassVar[Method] = "grpo"

    paradigm: ParadigmName | None = Field(
        None, description="paradigm that the prompts are from, the profile's if not given"
    )
    count: Count | None = Field(None, description="number of prompts; as many as in the paper if not given")


class AlignOptions(Options):
    """Align a checkpoint: collect preference pairs, train on them or on rewards."""

    pairs: CliSubCommand[PairsOptions]
    export: CliSubCommand[ExportOptions]
    dpo: CliSubCommand[DpoOptions]
    grpo: CliSubCommand[GrpoOptions]
    import_: CliSubCommand[ImportOptions] = Field(alias="import")
