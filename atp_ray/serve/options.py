"""The options of `serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from atp_ray.cli.options import (
    ENGINE_SETTINGS,
    AgentOptions,
    Checkpoints,
    Count,
    Folder,
    KeyValues,
    Shown,
    one_as_several,
)
from atp_ray.sandbox.isolation import Isolation


class ServeOptions(AgentOptions):
    """Serve live simulations, and the checkpoints that play in them, over HTTP."""

    checkpoint: Checkpoints = Field(("tiny",), description="available checkpoint; repeat for several")
    agents: Count = Field(64, description="maximum number of agents of a simulation")
    running: Count = Field(16, description="maximum number of simulations that run at once")
    pace: Annotated[float, Field(ge=0), Shown("SECONDS")] = Field(
        0.0, description="minimum time between two rounds, seconds"
    )
    webhook: Annotated[tuple[str, ...], BeforeValidator(one_as_several), Shown("NAME=URL")] = Field(
        (), description="address that monitors can notify, by name; repeat for several"
    )
    set: KeyValues = Field((), description=ENGINE_SETTINGS)
    state: Folder = Field(Path("runs/live"), description="folder of the simulations")
    host: Annotated[str, Shown("HOST")] = Field(
        "127.0.0.1", description="address to bind; 127.0.0.1 is for this machine only"
    )
    port: Annotated[int, Shown("PORT")] = Field(8000, description="port to bind")
    proxy: Literal["serve", "haproxy"] = Field(
        "serve", description="what answers the port: Ray Serve's own proxy, or HAProxy for hundreds of reads a second"
    )
    sandbox: Isolation = Field(
        "bubblewrap", description="isolation of Python written by models (maths); none runs it with your own rights"
    )
