"""Chat messages of Inspect from ours, and replies back; thinking is a part of its own there, marked text here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentReasoning,
    ContentText,
)
from inspect_ai.tool import ToolCall, ToolCallError

from atp_ray.play.exchanges import Exchange, ToolUse
from atp_ray.play.parsing import visible_reply
from atp_ray.play.prompts import Message
from atp_ray.play.wording import NO_DECISION

TOOL = "python"
_ROLES = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
_MARKS = re.compile(r"\s*</?think(?:ing)?>\s*")
_ERRORS = {"time_limit": "timeout", "memory_limit": "limit", "output_limit": "limit", "lost": "sandbox_unavailable"}


def chat_messages(messages: Sequence[Message]) -> list[ChatMessage]:
    """Return messages as Inspect's; equal lists get equal ids."""
    made: list[ChatMessage] = []
    for message in messages:
        made.append(_ROLES[message["role"]](content=message["content"]))
    return identified(made)


def identified(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Give each message an id that follows from its role, its text and how often the list has it already."""
    counts: dict[str, int] = {}
    for message in messages:
        text = f"{message.role}\n{message.text}"
        counts[text] = counts.get(text, 0) + 1
        message.id = hashlib.sha256(f"{text}\n{counts[text]}".encode()).hexdigest()[:22]
    return messages


def reply_message(reply: str, model: str) -> ChatMessageAssistant:
    """Return a reply as Inspect's message, its thinking apart; what the thinking swallowed is left as it is."""
    visible = visible_reply(reply)
    if visible is None or visible == reply.strip():
        return ChatMessageAssistant(content=reply, model=model, source="generate")
    thought = _MARKS.sub("", reply[: len(reply.rstrip()) - len(visible)])
    parts: list[Content] = [ContentReasoning(reasoning=thought), ContentText(text=visible)]
    return ChatMessageAssistant(content=parts, model=model, source="generate")


def reply_text(message: ChatMessageAssistant) -> str:
    """Return Inspect's message as a reply, its thinking marked."""
    parts = [] if isinstance(message.content, str) else message.content
    thought = "\n".join(part.reasoning for part in parts if isinstance(part, ContentReasoning))
    return f"<think>\n{thought}\n</think>\n\n{message.text}" if thought else message.text


def tool_error(tool: ToolUse) -> ToolCallError | None:
    """Return how a tool call failed, None where it did not."""
    return None if tool.status == "ok" else ToolCallError(_ERRORS.get(tool.status, "unknown"), tool.output)


def conversation(exchanges: Sequence[Exchange], model: str) -> list[ChatMessage]:
    """Return a seat's exchanges as one conversation: what was new in each prompt, and the whole reply to it.

    A past reply is thereby shown once and with its thinking, though prompts repeat it without, and only within the
    agent's window. Where no reply came, a message says so. A tool's output has the role of a tool.
    """
    told: list[ChatMessage] = []
    known = set[str]()
    for number, exchange in enumerate(exchanges):
        before = exchanges[number - 1] if number else None
        told_before = len(before.messages) - 1 if before is not None and before.aside else 0
        for message in chat_messages(_new(exchange.messages, told_before)):
            if isinstance(message, ChatMessageSystem):
                if message.text in known:
                    continue
                known.add(message.text)
            if not (told and isinstance(told[-1], ChatMessageTool) and told[-1].text == message.text):
                told.append(message)
        if exchange.reply is None:
            told.append(ChatMessageAssistant(content=f"({NO_DECISION})", metadata={"missing": True}))
            continue
        reply = reply_message(exchange.reply, model)
        told.append(reply)
        if (tool := exchange.tool) is not None:
            call = tool_call(tool, number)
            reply.tool_calls = [call]
            told.append(ChatMessageTool(content=tool.told, tool_call_id=call.id, function=TOOL, error=tool_error(tool)))
    return identified(told)


def tool_call(tool: ToolUse, number: int) -> ToolCall:
    """Return the call of the `number`-th exchange as Inspect's."""
    return ToolCall(id=f"call-{number + 1}", function=TOOL, arguments={"code": tool.code})


def _new(messages: Sequence[Message], told: int) -> Sequence[Message]:
    """Return what a prompt holds after the last reply it repeats, and after the first `told` messages."""
    replied = [index + 1 for index, message in enumerate(messages) if message["role"] == "assistant"]
    return messages[max(told, *replied, 0) :]
