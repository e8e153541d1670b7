"""How much some cells are: counts, and prompt tokens estimated before anything is played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action
from atp_ray.play.cells import CellSpec
from atp_ray.play.decisions import plain_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.prompts import Message
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import observe_round, settle_round

CHARACTERS_PER_TOKEN = 4


class Demand(NamedTuple):
    """What is asked of one checkpoint: requests at once at most, decisions, tokens of all prompts and of a reply.

    Prompt tokens are estimated at four characters each, a reply is as long as it may be.
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


def estimate_workload(cells: Sequence[CellSpec]) -> Workload:
    """Count what playing `cells` takes; prompts are built for one seat of each episode and scaled to all."""
    demands: dict[str, Demand] = {}
    for cell in cells:
        for episode in cell.episodes:
            tokens = _prompt_tokens(episode)
            for group in episode.seats:
                counts = (group.count, group.count * episode.rounds, group.count * tokens, group.sampling.max_tokens)
                demands[group.checkpoint] = Demand(*counts).plus(demands.get(group.checkpoint, NOTHING))
    return Workload(len(cells), sum(len(cell.episodes) for cell in cells), demands)


def _prompt_tokens(spec: EpisodeSpec) -> int:
    """Return the estimated prompt tokens of one seat in all rounds."""
    expected = paradigm(spec.paradigm).environment.expected_prompts(spec)
    prompts = _played_prompts(spec) if expected is None else iter(expected)
    tokens = [sum(len(message["content"]) for message in messages) // CHARACTERS_PER_TOKEN for messages in prompts]
    # Once the window is full, prompts no longer grow.
    return sum(tokens) + (tokens[-1] * max(0, spec.rounds - len(tokens)) if expected is None else 0)


def _played_prompts(spec: EpisodeSpec) -> Iterator[list[Message]]:
    """Yield the prompts of seat 0 until its window is full, were everyone to deviate with a short reply."""
    n, environment = spec.parameters.n_agents, paradigm(spec.paradigm).environment
    reply = f'I will join the others. {{"choice": "{spec.scenario.options[0]}"}}'
    decisions = plain_decisions(np.full(n, Action.DEVIANT, dtype=np.int8), (reply,) * n)
    memory, settled = EpisodeMemory(spec, (0,)), list[RoundRecord]()
    for _ in range(min(spec.rounds, spec.history_window + 1)):
        yield environment.messages(memory.seat_view(0))
        settled.append(settle_round(spec, settled, decisions))
        memory.observe([observe_round(spec, settled[-1], (0,))])
