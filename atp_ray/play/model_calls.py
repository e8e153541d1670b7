"""What agents ask of a model deployment, and what comes back: plain data, so that neither side imports the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from atp_ray.play.prompts import Message
from atp_ray.play.sampling import Sampling


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """One reply wanted: messages, how to sample, the seed, and the options a structured decision may name.

    Generation ends after any text of `stop`, which is part of the reply where the engine allows it.
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int
    options: tuple[str, ...]
    stop: tuple[str, ...] = ()


class RequestBatch(tuple[ReplyRequest, ...]):
    """Requests that travel in one call; Ray Serve's prefix-aware router looks for an argument with a `prompt`."""

    __slots__ = ()

    @property
    def prompt(self) -> str:
        """The text of the first request; requests that travel together go to one replica anyway."""
        return "\n".join(message["content"] for message in self[0].messages) if self else ""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One reply: its text (thinking included), tokens spent and seconds in the engine; or `error`, then no text.

    `refused` says that the engine is well and turned down this request, so that asking others makes sense.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_s: float = 0.0
    error: str | None = None
    refused: bool = False

    @property
    def failure_type(self) -> str:
        """What a `TurnFailure` calls this error."""
        return "ModelRefused" if self.refused else "ModelError"


def decision_texts(options: Sequence[str]) -> list[str]:
    """Return the replies a structured decision allows where the engine takes a list of choices."""
    return [json.dumps({"choice": option}, ensure_ascii=False) for option in options]


def decision_schema(options: Sequence[str]) -> dict[str, object]:
    """Return the JSON schema of a structured decision, for endpoints that take nothing else."""
    return {
        "type": "object",
        "properties": {"choice": {"type": "string", "enum": list(options)}},
        "required": ["choice"],
        "additionalProperties": False,
    }
