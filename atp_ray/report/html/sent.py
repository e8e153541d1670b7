"""What an agent was sent in a round, made again from its memory, and what of it was new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.prompts import Message, merge_neighbours
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, told_rounds
from atp_ray.play.turns import Talk
from atp_ray.report.html.rebuilt import read_profiles
from atp_ray.report.html.texts import Excerpt, excerpt, n_bytes

PROMPT_ROOM = 80_000  # bytes of one transcript's messages
SHORT_MESSAGE = 3_000


class Said(NamedTuple):
    """A message an agent was sent; `new` where it was not yet there in the round it is compared with.

    `told` where it is new and neither the agent's own reply nor a question it had been asked before.
    """

    role: str
    text: Excerpt
    new: bool
    told: bool


def messages(
    spec: EpisodeSpec,
    manifest: Mapping[str, Any],
    known: Sequence[RoundRecord],
    seat: int,
    round_number: int,
    said_A: tuple[str | None, ...] | None = None,
) -> list[Message]:
    """Return the messages a seat decided from in a round, exactly as sent: the memory is that of the agent.

    Args:
        known: the rounds before it.
        said_A: what was said in it, where there is a message phase.
    """
    told = told_rounds(spec, known, (seat,), whole=True).records
    memory = EpisodeMemory(spec, (seat,))
    memory.observe([observe_round(spec, record, (seat,)) for record in told], through=round_number - 1)
    talk = None if said_A is None else Talk(said_A)
    made = paradigm(spec.paradigm).environment.messages(memory.seat_view(0, talk=talk))
    profiles = {profile.name: profile for profile in read_profiles(manifest).values()}
    profile = profiles.get(spec.seat_groups[seat].checkpoint)
    return merge_neighbours(made) if getattr(profile, "alternate_roles", False) else made


def marked(sent: Sequence[Message], earlier: Sequence[Message]) -> tuple[tuple[Said, ...], int]:
    """Return the messages there is room for, in their order, and how many are left out: old and early ones first."""
    known = [(message["role"], message["content"]) for message in earlier]
    new = []
    for message in sent:
        if (content := (message["role"], message["content"])) in known:
            known.remove(content)  # what is said twice is new the second time
        else:
            new.append(message)
    told = [message for message in new if message["role"] != "assistant" and message is not sent[-1]]
    told += [sent[-1]] if sent[-1] not in earlier else []
    room, kept = PROMPT_ROOM, dict[int, Said]()
    for place in sorted(range(len(sent)), key=lambda place: (not _among(sent[place], new), -place)):
        if room <= 0:
            break
        message = sent[place]
        text = excerpt(message["content"], room, SHORT_MESSAGE)
        room -= n_bytes(text.start) + n_bytes(text.whole or "")
        kept[place] = Said(message["role"], text, _among(message, new), _among(message, told))
    return tuple(kept[place] for place in sorted(kept)), len(sent) - len(kept)


def _among(message: Message, messages: Sequence[Message]) -> bool:
    return any(message is other for other in messages)
