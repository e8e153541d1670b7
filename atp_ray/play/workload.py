"""How much some cells are: counts, and what engines are asked, as far as plans depend on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.cells import CellSpec


class Demand(NamedTuple):
    """What is asked of one checkpoint: requests at once at most, decisions, tokens of all prompts and of a reply.

    Prompt tokens are an estimate (`atp_ray.costs.estimate`), a reply is as long as it may be.
    """

    requests: int
    decisions: int
    prompt_tokens: int
    reply_tokens: int

    @property
    def length(self) -> float:
        """Tokens of a decision: the average prompt and the longest reply."""
        return self.prompt_tokens / max(1, self.decisions) + self.reply_tokens

    def plus(self, other: Demand) -> Demand:
        """Return what both are together."""
        sums = (one + two for one, two in zip(self, other, strict=True))
        return Demand(*sums)._replace(reply_tokens=max(self.reply_tokens, other.reply_tokens))


NOTHING = Demand(0, 0, 0, 0)


class Workload(NamedTuple):
    """How much a set of cells is: counts, and what is asked of each checkpoint, by its name."""

    cells: int
    episodes: int
    demands: dict[str, Demand]

    @property
    def total(self) -> Demand:
        """What is asked of all checkpoints together."""
        return reduce(Demand.plus, self.demands.values())


def estimate_workload(cells: Sequence[CellSpec], prompt_tokens: Mapping[str, int]) -> Workload:
    """Count what playing `cells` takes.

    Args:
        prompt_tokens: what is expected to be sent to each checkpoint.
    """
    demands: dict[str, Demand] = {}
    for cell in cells:
        for episode in cell.episodes:
            turns = paradigm(episode.paradigm).environment.n_turns(episode) / episode.parameters.n_agents
            for group in episode.seats:
                counts = (group.count, round(group.count * turns), 0, group.sampling.max_tokens)
                demands[group.checkpoint] = Demand(*counts).plus(demands.get(group.checkpoint, NOTHING))
    sent = {name: demand._replace(prompt_tokens=prompt_tokens.get(name, 0)) for name, demand in demands.items()}
    return Workload(len(cells), sum(len(cell.episodes) for cell in cells), sent)
