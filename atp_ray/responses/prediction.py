"""Does a committed minority flip a population? Probability and critical mass with intervals, from fitted responders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atp_ray.networks.neighbours import Neighbours
from atp_ray.responses.exact_pairs import flip_chance, is_small
from atp_ray.responses.features import Array
from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.population import Game, Lanes, play_pairs
from atp_ray.responses.response import Response
from atp_ray.responses.resting import RestingCurve

LEVEL = 0.95
BETA_DRAWS = 200  # of each bootstrap sample's flip probability, for the interval
FLIPS_AT = 0.5  # probability from which on a number of committed agents is a critical mass


class Chance(NamedTuple):
    """The probability that a population with `committed` agents (in games: fixed colluders) flips.

    The interval is at 95 % and covers both the response (bootstrap over runs) and the number of populations played.
    `mean_time` is how long it took until it had flipped for good, all the time where it did not: interactions, or
    rounds of a game. `share` is that of the committed side among the last answers. `p_exact` is the probability by an
    exact Markov chain, None where it is too large; `p_mean_field` is whether an infinite population flips in that time,
    0 or 1, None where it cannot be followed.
    """

    committed: int
    p_flip: float
    ci_low: float
    ci_high: float
    mean_time: float
    share: float
    p_exact: float | None = None
    p_mean_field: float | None = None


class CriticalMass(NamedTuple):
    """The fewest committed agents that flip a population more often than not, with the 95 % interval of the bootstrap.

    None stands for more than were played.
    """

    committed: int | None
    ci_low: int | None
    ci_high: int | None


class Forecast(NamedTuple):
    """What is foreseen of populations of one size: chances by number of committed agents, and where they pass a half.

    `resting` has the resting states of an infinite population, None where they cannot be solved for.
    """

    n_agents: int
    chances: list[Chance]
    critical: CriticalMass
    resting: RestingCurve | None


def predict_flips(
    response: Response,
    committed: Sequence[int],
    game: Game,
    n_runs: int,
    seed: int,
    on_draw: Callable[[int, int], None] = lambda done, total: None,
    neighbours: Neighbours | None = None,
) -> Forecast:
    """Play `n_runs` populations for each number of committed agents and each bootstrap sample of the response.

    Args:
        committed: in ascending order.
        on_draw: told after each bootstrap sample how many of how many are done.
        neighbours: who can meet whom, if not all can.
    """
    generator = np.random.default_rng(seed)
    lanes = Lanes.of(np.repeat(np.asarray(committed, dtype=np.int64), n_runs))
    flipped, after, shares = [], [], []
    shape = (len(committed), n_runs)
    for done, responder in enumerate(response.drawn(), start=1):
        flips = play_pairs(responder, game, lanes, generator, neighbours)
        flipped.append(flips.flipped_L.reshape(shape).sum(axis=1))
        after.append(flips.after_L.reshape(shape).mean(axis=1))
        shares.append(flips.share_L.reshape(shape).mean(axis=1))
        on_draw(done, len(response.bootstrap))
    flips_BC = np.array(flipped)
    low_C, high_C = interval(flips_BC, n_runs, generator)
    columns = (flips_BC.mean(axis=0) / n_runs, low_C, high_C, np.mean(after, axis=0), np.mean(shares, axis=0))
    rows = zip(committed, *map(np.ndarray.tolist, columns), strict=True)
    chances = [Chance(int(count), *found) for count, *found in rows]
    return Forecast(game.n_agents, chances, critical_mass(committed, flips_BC / n_runs), None)


def with_theory(forecast: Forecast, response: Response, game: Game) -> Forecast:
    """Return a forecast with what the exact chain and the infinite population do, where they can be had."""
    responder = response.responder()
    field = MeanField.of(responder)
    chances = [
        chance._replace(
            p_exact=flip_chance(responder, game, chance.committed)
            if is_small(responder, game, chance.committed)
            else None,
            p_mean_field=None if field is None else float(field.flips(game, chance.committed / game.n_agents)),
        )
        for chance in forecast.chances
    ]
    return forecast._replace(chances=chances, resting=None if field is None else field.resting(game.to))


def critical_mass(committed: Sequence[int], chance_BC: Array) -> CriticalMass:
    """Return where the mean chance passes a half, and where that of the bootstrap samples does."""
    beyond = len(committed)
    first_B = [_first(chance_C) for chance_C in chance_BC]
    # Whole numbers of agents: the ends are samples, not between them.
    low, high = np.quantile(first_B, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest").tolist()
    places = (_first(chance_BC.mean(axis=0)), low, high)
    return CriticalMass(*(None if place == beyond else int(committed[place]) for place in places))


def _first(chance_C: Array) -> int:
    """Return the first place from which the chance is a half or more; how many there are if nowhere."""
    over = np.flatnonzero(chance_C >= FLIPS_AT)
    return int(over[0]) if len(over) else len(chance_C)


def interval(flips_BC: npt.NDArray[np.integer], n_runs: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Return the ends of the mixture of the Jeffreys posteriors of all bootstrap samples, 95 % [C]."""
    shape = (BETA_DRAWS, *flips_BC.shape)
    drawn = generator.beta(flips_BC + 0.5, n_runs - flips_BC + 0.5, size=shape).reshape(-1, flips_BC.shape[1])
    low_C, high_C = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    # Where every population did the same, the end of the scale belongs to the interval.
    low_C[flips_BC.sum(axis=0) == 0] = 0.0
    high_C[flips_BC.sum(axis=0) == n_runs * len(flips_BC)] = 1.0
    return low_C, high_C
