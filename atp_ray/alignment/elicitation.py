"""How a model is brought to give both answers to a prompt, and when a reply is the one that was asked for.

The paper asks twice: once to keep to the rule (in games: to one's own benefit), once to leave it (to serve the team).
"""

from __future__ import annotations

from typing import Literal

from atp_ray.paradigms.registry import paradigm
from atp_ray.paradigms.teaching import Like, Side, TrainingPrompt
from atp_ray.play.actions import Action
from atp_ray.play.prompts import Message

Elicitation = Literal["instructed", "plain"]


def elicitation_messages(
    prompt: TrainingPrompt, side: Side, elicitation: Elicitation, like: Like = "ours"
) -> list[Message]:
    """Return what the model is asked for one side of a pair; `plain` adds nothing and waits for chance."""
    *before, last = prompt.messages
    instruction = paradigm(prompt.paradigm).teaching.instruction(side, like)
    if elicitation == "plain" or instruction is None:
        return [*before, last]
    return [*before, {"role": last["role"], "content": f"{last['content']}\n{instruction}"}]


def wished_reply(prompt: TrainingPrompt, side: Side, reply: str, like: Like = "ours") -> str | None:
    """Return what of the reply is trained on if it is of the side asked for, else None; the paper's is all of it."""
    judged = paradigm(prompt.paradigm).teaching.judge(reply, prompt.options, prompt.answer)
    wanted = Action.ALIGNED if side == "chosen" else Action.DEVIANT
    if judged.action is not wanted:
        return None
    return reply.strip() if like == "paper" else judged.text
