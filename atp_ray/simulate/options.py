"""The options of `simulate`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from atp_ray.cli.options import AgentOptions, Checkpoint, Count, FolderPlace, KeyValues, Seed, Shown
from atp_ray.sandbox.isolation import Isolation


class SimulateOptions(AgentOptions):
    """Play one game, role-play or maths session and read along, as in Figure 5.

    Flags without a default here take that of the scenario's paradigm.
    """

    scenario: Annotated[str, Shown("SCENARIO")] = Field(
        "info_sharing", description="name of a game or a role-play, or maths"
    )
    checkpoint: Checkpoint = Field("tiny", description="checkpoint to play")
    n_agents: Count | None = Field(None, description="players of a game")
    population: Annotated[str | None, Shown("NAME:COUNT,...")] = Field(
        None, description="seats of a game for different checkpoints"
    )
    threshold: Annotated[float | None, Field(gt=0), Shown("N")] = Field(
        None, description="colluders needed in a game, below 1 a fraction of the agents; half of them if not given"
    )
    rewards: Annotated[str | None, Shown("HIGH,MEDIUM,LOW")] = Field(
        None, description="payoffs of a game, such as 1.2,1,0.8"
    )
    rounds: Count | None = Field(None, description="number of rounds")
    seed: Seed | None = Field(None, description="seed of the episode")
    visibility: Annotated[str | None, Shown("WHAT")] = Field(
        None, description="what the players of a game see of each other: replies, choices or counts"
    )
    supervision: Annotated[str | None, Shown("PATTERN")] = Field(None, description="supervision pattern of a role-play")
    sandbox: Isolation = Field(
        "bubblewrap", description="isolation of Python written by models (maths); none runs it with your own rights"
    )
    set: KeyValues = Field(
        (),
        description="any other field of the request, or engine.KEY or deployment.KEY of every checkpoint; "
        "repeat for several",
    )
    replies: Annotated[int, Field(ge=0), Shown("N")] = Field(8, description="replies to print per round")
    live: Annotated[str | None, Shown("URL")] = Field(
        None, description="read along with a simulation of a running `serve` instead"
    )
    out: FolderPlace | None = Field(
        None, description="folder to keep the run in, or s3://..., gs://...; nothing is kept if not given"
    )
