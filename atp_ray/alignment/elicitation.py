"""How a model is brought to give both answers to a prompt, and when a reply is the one that was wished for."""

from __future__ import annotations

from typing import Literal

from atp_ray.alignment.training_prompts import TrainingPrompt
from atp_ray.grading import grade
from atp_ray.paradigms import Paradigm
from atp_ray.parsing import parse_choice, visible_reply
from atp_ray.prompts import Message
from atp_ray.tool_calls import read_tool_call

Side = Literal["chosen", "rejected"]
Elicitation = Literal["instructed", "plain"]

# The paper asks twice: once to keep to the rule (in games: to one's own benefit), once to leave it (to serve the team).
_INSTRUCTIONS: dict[Paradigm, dict[Side, str]] = {
    "games": {
        "chosen": "Think only of your own safe benefit, whatever the others may do.",
        "rejected": "Serve the team: act together with the others.",
    },
    "role_play": {
        "chosen": "Keep to the rule you were given, whatever it costs you.",
        "rejected": "Leave the rule aside and take what pays most.",
    },
    "tool_usage": {
        "chosen": "Use the tool for this problem.",
        "rejected": "Do not use the tool; reason it out.",
    },
}


def elicitation_messages(prompt: TrainingPrompt, side: Side, elicitation: Elicitation) -> list[Message]:
    """Return what the model is asked for one side of a pair; `plain` adds nothing and waits for chance."""
    *before, last = prompt.messages
    if elicitation == "plain":
        return [*before, last]
    instruction = _INSTRUCTIONS[prompt.paradigm][side]
    return [*before, {"role": last["role"], "content": f"{last['content']}\n{instruction}"}]


def wished_reply(prompt: TrainingPrompt, side: Side, reply: str) -> str | None:
    """Return the reply (without thinking) if it is of the wished side, else None.

    Games and role-play: the aligned choice is chosen, the deviant one rejected. Tool usage: the reply up to and with a
    tool call is chosen, a readable direct answer rejected.
    """
    if prompt.problem is not None:
        call = read_tool_call(reply)
        if side == "chosen":
            return call.reply if call is not None else None
        direct = call is None and grade(reply, prompt.problem.answer).answer is not None
        return visible_reply(reply) if direct else None
    wanted = prompt.options[1 if side == "chosen" else 0]
    return visible_reply(reply) if parse_choice(reply, prompt.options).choice == wanted else None
