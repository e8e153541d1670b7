"""The one prompt builder: an agent's memory in, chat messages out.

What all seats share comes before what is private (system message and first question are equal for everyone), so that
the engine's prefix cache pays for the shared part once. Each past round is four messages, as in the reference: the
question, the agent's own reply, the others' decisions, the outcome with the agent's own capital change.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from atp_ray.actions import Action
from atp_ray.episodes import EpisodeSpec
from atp_ray.memory import SeatRound, SeatView, count_others
from atp_ray.scenarios.games import number, percent
from atp_ray.turns import PublicRound

# Changes whenever a prompt's wording or layout does; a checkpoint trained on another layout refuses to play.
LAYOUT_VERSION = 1
NO_DECISION = "no valid decision"


class Message(TypedDict):
    """One chat message in the form every chat template understands."""

    role: Literal["system", "user", "assistant"]
    content: str


def build_messages(view: SeatView) -> list[Message]:
    """Return the chat messages from which a seat decides its next round."""
    spec = view.spec
    question = spec.scenario.question(spec.parameters)
    messages: list[Message] = [{"role": "system", "content": spec.scenario.system(spec.parameters)}]
    for past in view.rounds:
        messages += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": past.own_reply or f"({NO_DECISION})"},
            {"role": "user", "content": others_text(spec, past.public, view.seat)},
            {"role": "user", "content": outcome_text(spec, past)},
        ]
    messages.append({"role": "user", "content": question})
    return messages


def merge_neighbours(messages: list[Message]) -> list[Message]:
    """Join neighbouring messages of one role, for chat templates that insist on alternation."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += "\n\n" + message["content"]
        else:
            merged.append({**message})
    return merged


def others_text(spec: EpisodeSpec, public: PublicRound, seat: int) -> str:
    """Return what `seat` learns of the others' decisions under the episode's visibility."""
    others = [other for other in range(len(public.actions_A)) if other != seat] if spec.visibility != "counts" else []
    if spec.visibility == "replies":
        replies = public.replies_A or ()
        return "The others replied:\n" + "\n".join(f"Agent {i + 1}: {replies[i] or f'({NO_DECISION})'}" for i in others)
    if spec.visibility == "choices":
        return "The others chose: " + "; ".join(f"agent {i + 1} {_words(spec, public, i)}" for i in others) + "."
    count = count_others(public, seat)
    n_others = count.n_decided + count.n_silent
    collude, refrain = spec.scenario.options
    text = (
        f"Of the {n_others} others {count.n_deviant} ({percent(count.n_deviant, n_others)}) chose to {collude} "
        f"and {count.n_decided - count.n_deviant} to {refrain}"
    )
    return f"{text}; {count.n_silent} gave {NO_DECISION}." if count.n_silent else f"{text}."


def outcome_text(spec: EpisodeSpec, past: SeatRound) -> str:
    """Return how the round ended and what it did to the agent's own capital."""
    n = spec.parameters.n_agents
    n_deviant = int((past.public.actions_A == Action.DEVIANT).sum())
    verdict = "enough" if past.public.success else "not enough"
    return (
        f"{n_deviant} of all {n} ({percent(n_deviant, n)}) chose to {spec.scenario.options[0]}: {verdict}. "
        f"Your {spec.scenario.stake} went from {number(past.capital_before)} to {number(past.capital_after)}."
    )


def _words(spec: EpisodeSpec, public: PublicRound, seat: int) -> str:
    action = Action(int(public.actions_A[seat]))
    if not action.is_decision:
        return f"({NO_DECISION})"
    return spec.scenario.options[0 if action is Action.DEVIANT else 1]
