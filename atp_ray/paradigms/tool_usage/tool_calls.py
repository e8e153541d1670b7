"""Find the tool call in a reply: the one place that reads `<tool>...</tool>`."""

from __future__ import annotations

import re
from typing import NamedTuple

from atp_ray.paradigms.tool_usage.scenarios import TOOL_CLOSE, TOOL_OPEN
from atp_ray.play.parsing import visible_reply

_CALL = re.compile(rf"{TOOL_OPEN}(?P<code>.*?)(?:{TOOL_CLOSE}|\Z)", re.DOTALL)
_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\n(?P<code>.*?)\n?```\s*\Z", re.DOTALL)


class ToolCall(NamedTuple):
    """A tool call: the Python to run, and the reply up to and with it, without any thinking."""

    code: str
    reply: str


def read_tool_call(reply: str) -> ToolCall | None:
    """Return the first tool call of a reply, None where there is none; what follows the call was written blindly.

    A call quoted while thinking does not count. One that lacks its closing tag at the end of the reply is complete:
    that is where generation stops.
    """
    visible = visible_reply(reply)
    found = _CALL.search(visible) if visible is not None else None
    if visible is None or found is None or not found["code"].strip():
        return None
    fenced = _FENCE.match(found["code"])
    code = fenced["code"] if fenced else found["code"].strip("\n")
    return ToolCall(code, visible[: found.start()] + TOOL_OPEN + found["code"] + TOOL_CLOSE)
