"""What an agent of a naming game is told: the rules, its own last meetings, the names in order. In our own words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atp_ray.paradigms.conventions.meetings import Meeting
from atp_ray.paradigms.conventions.scenarios import naming_of
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.randomness import derive_seed
from atp_ray.play.sight import heard_seats
from atp_ray.play.talk import quoted
from atp_ray.play.turns import Talk
from atp_ray.play.wording import number


def rules_text(spec: EpisodeSpec) -> str:
    """Return the rules; the same for every seat."""
    scenario, numbers = naming_of(spec)
    return (
        f"{scenario.situation.format(n=numbers.n_agents)} In each meeting both of you choose a name from the same list "
        f"at the same time{'' if spec.talk else ', without talking'}. If you choose the same name, each of you gets "
        f"{_points(numbers.success)} points; if you choose different names, each gets {_points(numbers.failure)} "
        "points. Your aim is to collect as many points as you can. You do not know whom you meet."
    )


def meetings_text(spec: EpisodeSpec, remembered: Sequence[Meeting]) -> str:
    """Return the meetings an agent remembers, oldest first, with the points they brought."""
    if not remembered:
        return "You remember no meeting."
    options = spec.scenario.options
    lines = [
        f"You: {options[one.own]}, partner: {options[one.other]}, {_points(one.points)}{_said(one.said)}"
        for one in remembered
    ]
    total = _points(sum(one.points for one in remembered))
    return "\n".join(["The meetings you remember, oldest first:", *lines, f"Points in these meetings: {total}"])


def question_text(names: Sequence[str]) -> str:
    """Return the question, with the names in order."""
    return (
        f"The names: {', '.join(names)}. Which one do you choose now? Think it through briefly, then end your reply "
        'with your choice as JSON: {"choice": "NAME"}'
    )


def talk_text(spec: EpisodeSpec, round_number: int, seat: int, talk: Talk) -> str:
    """Return what was said before a meeting, by whom the seat meets; it does not learn who that is."""
    heard = [talk.said_A[other] for other in heard_seats(spec, round_number, talk.hidden, seat).tolist()]
    said = quoted(heard[0]) if heard and heard[0] is not None else "nothing"
    own = talk.said_A[seat]
    return f"Before this meeting your partner said: {said}. You said: {'nothing' if own is None else quoted(own)}."


def _said(said: str | None) -> str:
    return "" if said is None else f" (partner said before: {quoted(said)})"


def listed_names(spec: EpisodeSpec, round_number: int, seat: int) -> tuple[str, ...]:
    """Return the names in the order in which a seat is told them in a round."""
    numbers = naming_of(spec).numbers
    if numbers.order == "fixed":
        return numbers.names
    key = derive_seed("names", spec.episode_id, round_number, seat, bits=63)
    order = np.random.Generator(np.random.Philox(key=key)).permutation(len(numbers.names))
    return tuple(numbers.names[place] for place in order)


def _points(value: float) -> str:
    return f"{value:+g}" if value else number(value)
