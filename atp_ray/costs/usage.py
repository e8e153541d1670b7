"""What was asked of models: requests and tokens, by checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from atp_ray.play.answers import Probed
from atp_ray.play.decisions import COUNTS, Decisions
from atp_ray.play.episodes import EpisodeSpec, plays_by_policy


class Usage(NamedTuple):
    """Requests made of a model, tokens sent in them and tokens written in reply."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def tokens(self) -> int:
        """All tokens, sent and written."""
        return self.prompt_tokens + self.completion_tokens

    def plus(self, other: Usage) -> Usage:
        """Return what both are together."""
        return Usage(*(one + two for one, two in zip(self, other, strict=True)))

    def times(self, factor: float) -> Usage:
        """Return a multiple of it, in whole numbers."""
        return Usage(*(round(factor * part) for part in self))


class RoundShare(NamedTuple):
    """What decisions of one round number are expected to ask of a checkpoint: together, and how many they are."""

    usage: Usage = Usage()
    decisions: int = 0

    def plus(self, other: RoundShare) -> RoundShare:
        """Return what both are together."""
        return RoundShare(self.usage.plus(other.usage), self.decisions + other.decisions)

    def of(self, decisions: int) -> Usage:
        """Return what so many decisions ask."""
        return self.usage.times(decisions / self.decisions) if self.decisions else Usage()


Usages = Mapping[str, Usage]  # by checkpoint


def total_usage(usages: Usages) -> Usage:
    """Return what was asked of all checkpoints together."""
    return Usage(*map(sum, zip(Usage(), *usages.values(), strict=True)))


def add_usages(parts: Iterable[Usages]) -> dict[str, Usage]:
    """Return what was asked of each checkpoint in all parts together."""
    added: dict[str, Usage] = {}
    for part in parts:
        for name, usage in part.items():
            added[name] = added.get(name, Usage()).plus(usage)
    return added


def usage_of(spec: EpisodeSpec, decisions: Decisions, probed: Sequence[Probed] = ()) -> dict[str, Usage]:
    """Return what one round of an episode asked of each checkpoint, its probes too; policies are asked nothing."""
    usages: dict[str, Usage] = {}
    first = 0
    asked = (decisions, *(probe.answers for probe in probed))
    columns = [sum(getattr(part, f"{name}_A") for part in asked) for name in COUNTS]
    for group in spec.seats:
        seats = slice(first, first + group.count)
        first += group.count
        if plays_by_policy(group.checkpoint):
            continue
        usage = Usage(*(int(column_A[seats].sum()) for column_A in columns))
        usages[group.checkpoint] = usages.get(group.checkpoint, Usage()).plus(usage)
    return usages
