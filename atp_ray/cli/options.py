"""What the options of the commands are made of: their base, the flags they share, and how help shows a flag."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from atp_ray.checkpoint.accelerators import gpu_names
from atp_ray.storage.places import checked_place

SHARED = "shared options"
ENGINES = "engines"
ENGINE_SETTINGS = "change engine.KEY or deployment.KEY of every checkpoint; repeat for several"


@dataclass(frozen=True)
class Shown:
    """How help shows a flag: the name of its value, the heading above it, and the names that it takes."""

    metavar: str | None = None
    heading: str | None = None
    names: Callable[[], Iterable[str]] | None = None


def one_as_several(value: Any) -> Any:
    """Return a text as a tuple of one, so that YAML need not write a list for it."""
    return (value,) if isinstance(value, str) else value


Count = Annotated[int, Field(ge=1), Shown("N")]
Seed = Annotated[int, Shown("N")]


def _no_address(value: Any) -> Any:
    """Refuse an address where only a folder of this machine will do."""
    if "://" in str(value):
        raise ValueError(f"'{value}' is an address; a folder of this machine is needed here")
    return value


def _place(value: Any) -> Any:
    """Return a path or an address as the text it is everywhere; YAML may give anything."""
    return checked_place(str(value)) if isinstance(value, str | Path) else value


Folder = Annotated[Path, BeforeValidator(_no_address), Shown("FOLDER")]
Place = Annotated[str, BeforeValidator(_place)]
FolderPlace = Annotated[Place, Shown("FOLDER")]
Checkpoint = Annotated[str, Shown("CHECKPOINT")]
Checkpoints = Annotated[tuple[str, ...], BeforeValidator(one_as_several), Shown("CHECKPOINT")]
KeyValues = Annotated[tuple[str, ...], BeforeValidator(one_as_several), Shown("KEY=VALUE")]


class Options(BaseSettings):
    """Base of every model of a command line; `parse_options` makes them, environment variables are not read.

    `default_command` is the subcommand that is meant where none is named.
    """

    default_command: ClassVar[str | None] = None

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        cli_kebab_case=True,
        cli_implicit_flags="toggle",
        cli_hide_none_type=True,
        cli_avoid_json=True,
        cli_use_class_docs_for_groups=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the only source: the values that the model is made with."""
        return (init_settings,)


class CommandOptions(Options):
    """The flag of every command."""

    config: Annotated[Path | None, Shown("FILE", SHARED)] = Field(
        None, description="YAML file with values of these flags; the command line wins over it"
    )


class ClusterOptions(CommandOptions):
    """The flags of a command that uses Ray."""

    address: Annotated[str | None, Shown("ADDRESS", SHARED)] = Field(
        None,
        description="Ray cluster: HOST:PORT, auto, or local for one of this command's own; "
        "if not given, RAY_ADDRESS, else the cluster this machine belongs to, else local",
    )


class ModelOptions(ClusterOptions):
    """The flags of a command that asks models."""

    base_url: Annotated[str | None, Shown("URL", SHARED)] = Field(None, description="endpoint of an openai: checkpoint")
    keep: Annotated[bool, Shown(None, SHARED)] = Field(
        False, description="leave the engines on the cluster for the next command; see `checkpoints engines`"
    )


class EngineOptions(ModelOptions):
    """The flags of a command that starts engines."""

    replicas: Annotated[int | None, Field(ge=1), Shown("N", ENGINES)] = Field(
        None, description="replicas of each engine; as many as the GPUs hold and the work can fill if not given"
    )
    tensor_parallel: Annotated[int | None, Field(ge=1), Shown("N", ENGINES)] = Field(
        None, description="GPUs that one replica spans"
    )
    max_model_len: Annotated[int | None, Field(ge=64), Shown("TOKENS", ENGINES)] = Field(
        None, description="longest prompt plus reply; the profile's or the model's own if not given"
    )
    gpus: Annotated[str | None, Shown("N", ENGINES)] = Field(
        None, description="GPUs to plan for, 8 or 2x8: those of --dry-run, or what a cluster may grow to"
    )
    gpu_type: Annotated[str | None, Shown("TYPE", ENGINES, names=gpu_names)] = Field(
        None, description="kind of GPU to plan for if the cluster does not say it"
    )


class AgentOptions(EngineOptions):
    """The flags of a command that starts agents."""

    agents_per_actor: Annotated[int | None, Field(ge=1), Shown("N", SHARED)] = Field(
        None, description="pack this many agents into one actor"
    )
