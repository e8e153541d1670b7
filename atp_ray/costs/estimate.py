"""What a run is expected to take, before anything is started."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from atp_ray.checkpoint.profiles import Modelless, Profile
from atp_ray.costs.rehearsal import Cast, rehearse
from atp_ray.costs.tokens import token_counter
from atp_ray.costs.usage import RoundShare, Usage
from atp_ray.play.cells import CellSpec
from atp_ray.play.episodes import EpisodeSpec, SeatGroup

# Episodes of one shape: of more than the most, the others are taken to be as they are; few are rehearsed several times,
# as stand-ins decide by chance.
MOST_REHEARSED, FEWEST_REHEARSED, MOST_TIMES = 160, 192, 8
MOST_SEATS = 32_768  # of all episodes rehearsed: all are settled, though few are asked


class Expected(NamedTuple):
    """What is expected to be asked of one checkpoint, how tokens were counted, and how long replies are taken to be.

    `rounds` is what decisions of the first round, the second, ... ask; later ones are as the last.
    """

    usage: Usage
    rounds: tuple[RoundShare, ...]
    counted: str
    replies: str


def estimate_usage(cells: Sequence[CellSpec], profiles: Iterable[Profile]) -> dict[str, Expected]:
    """Return what playing `cells` is expected to ask of each checkpoint that is a model, by the profile's name."""
    casts = {p.name: Cast(p, token_counter(p)) for p in profiles if not isinstance(p, Modelless)}
    if not casts:
        return {}
    episodes = [episode for cell in cells for episode in cell.episodes]
    usages = dict.fromkeys(casts, Usage())
    rounds: dict[str, list[RoundShare]] = {name: [] for name in casts}
    for alike in _shapes(episodes).values():
        for name, shares in _rounds(alike, casts).items():
            later = alike[0].rounds - len(shares)
            usages[name] = reduce(Usage.plus, (share.usage for share in shares), usages[name])
            usages[name] = usages[name].plus(shares[-1].usage.times(later))
            rounds[name] = [one.plus(two) for one, two in zip_longest(rounds[name], shares, fillvalue=RoundShare())]
    sampled = {group.checkpoint: group.sampling for episode in episodes for group in episode.seats}
    return {
        name: Expected(usages[name], tuple(rounds[name]), cast.counter.source, cast.says(sampled[name]))
        for name, cast in casts.items()
        if name in sampled
    }


def _shapes(episodes: Sequence[EpisodeSpec]) -> Mapping[tuple[object, ...], list[EpisodeSpec]]:
    """Return the episodes by what their size follows from: seats, rounds, visibility, network, talk and probes."""
    shapes: dict[tuple[object, ...], list[EpisodeSpec]] = {}
    for episode in episodes:
        seats: tuple[SeatGroup, ...] = episode.seats
        asides = (episode.network, episode.talk, episode.probes, episode.probe_rounds)
        shape = (seats, episode.rounds, episode.visibility, episode.history_window, *asides)
        shapes.setdefault(shape, []).append(episode)
    return shapes


def _rounds(alike: Sequence[EpisodeSpec], casts: Mapping[str, Cast]) -> dict[str, list[RoundShare]]:
    """Return what each round of episodes of one shape is expected to ask of each checkpoint, all of them together."""
    n_agents = alike[0].parameters.n_agents
    n = min(len(alike), max(1, MOST_SEATS // n_agents), MOST_REHEARSED)
    # At random: scenarios and settings take turns in the list, and a fixed step would meet a few only.
    chosen = np.sort(np.random.default_rng(0).choice(len(alike), size=n, replace=False))
    times = max(1, min(MOST_TIMES, FEWEST_REHEARSED // n, MOST_SEATS // n // n_agents))

    async def rehearsed() -> list[dict[str, list[Usage]]]:
        return [await rehearse(alike[index], casts, time) for index in chosen for time in range(times)]

    played = asyncio.run(rehearsed())
    seats: Counter[str] = Counter()
    for group in alike[0].seats:
        seats[group.checkpoint] += group.count
    return {
        name: [
            RoundShare(reduce(Usage.plus, of_round).times(len(alike) / n / times), len(alike) * seats[name])
            for of_round in zip(*(episode[name] for episode in played), strict=True)
        ]
        for name in played[0]
    }
