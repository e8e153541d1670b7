"""What a tool call gives back, whatever happened to it."""

from __future__ import annotations

from typing import Literal, NamedTuple

ToolStatus = Literal[
    "ok", "error", "time_limit", "memory_limit", "output_limit", "killed", "lost", "refused"
]  # fmt: skip


class ToolResult(NamedTuple):
    """The result of one tool call.

    `ok`: it ran; `error`: it raised, and `output` ends with the traceback; `*_limit`: it met a bound and its session
    starts anew; `killed`: its process ended otherwise; `lost`: the sandbox failed twice; `refused`: it was not tried.
    """

    status: ToolStatus
    output: str
    seconds: float
    truncated: bool
