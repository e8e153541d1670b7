"""What a seat was sent and what it replied, rebuilt from what is kept of a round."""

from __future__ import annotations

from typing import NamedTuple

from atp_ray.play.prompts import Message


class ToolUse(NamedTuple):
    """A tool call of a reply: the code, how it ended, what it printed, and the message that told the agent so."""

    code: str
    status: str
    output: str
    told: str


class Exchange(NamedTuple):
    """A request to a model and the reply that was kept of it: the first that could be read, else the last.

    `reply` is None where the model never answered; `tool` is the call that the reply ends with. `aside` says that the
    last message asks for no decision; neither it nor the reply is part of a later prompt as it stands here.
    """

    messages: list[Message]
    reply: str | None
    tool: ToolUse | None = None
    aside: bool = False
