"""How long a reply may take, and what the coordinator does when a host is lost: an object, not a loop inside it."""

from __future__ import annotations

from pydantic import Field

from atp_ray.config_files import Frozen


class FailurePolicy(Frozen):
    """Time-outs and retries.

    A time-out counts what an engine or a host does, never the wait for its turn. After `retries` further attempts the
    seats of a silent host are recorded as `missing`. A round in which every asked seat is missing is not settled: the
    engine is gone, and the cell fails so that it can be resumed.
    """

    turn_timeout_s: float = Field(
        default=900, gt=0, description="Longest time from a request's start in the engine to its reply, seconds."
    )
    retries: int = Field(default=2, ge=0, description="Further attempts after a time-out or a lost host.")
    retry_wait_s: float = Field(default=1.0, ge=0, description="Pause before a retry, seconds.")
