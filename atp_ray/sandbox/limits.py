"""What a session in the sandbox may use."""

from __future__ import annotations

from pydantic import Field

from atp_ray.config_files import Frozen


class SandboxLimits(Frozen):
    """Bounds on one session and on the pool."""

    wall_s: float = Field(default=5.0, gt=0, description="Longest call, seconds.")
    cpu_s: int = Field(default=20, ge=1, description="CPU time of a whole session, seconds.")
    memory_mib: int = Field(default=512, ge=64, description="Memory a session may take beyond the warm interpreter's.")
    output_bytes: int = Field(default=16_384, ge=256, description="Longest output of a call; more ends the session.")
    code_bytes: int = Field(default=20_000, ge=1, description="Longest code of a call; more is refused.")
    history: int = Field(default=20, ge=1, description="Calls replayed when a lost session is rebuilt.")
    sessions: int = Field(default=256, ge=1, description="Sessions alive at once; beyond, the longest idle one sleeps.")
    calls_at_once: int | None = Field(default=None, ge=1, description="None takes the number of CPUs.")
