"""Where games of a fitted response tip, by number of fixed colluders: exact chain, mean field, games played."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from atp_ray.networks.neighbours import Neighbours
from atp_ray.paradigms.games import mean_field
from atp_ray.paradigms.games.chain import Fixed, tip_chance
from atp_ray.paradigms.games.fitted_games import FittedGames
from atp_ray.paradigms.games.populations import play_games
from atp_ray.paradigms.games.quantal import FloatArray, GameResponse
from atp_ray.paradigms.games.scenarios import GameNumbers
from atp_ray.responses.prediction import Chance, Forecast, critical_mass, interval

EXACT_UP_TO = 600  # seats: the chain's work grows with their square
MOST_SEATS_AT_ONCE = 4_000_000  # seats of games played side by side


def forecast(
    fitted: FittedGames,
    numbers: GameNumbers,
    rounds: int,
    fixed: Sequence[int],
    n_runs: int,
    seed: int,
    on_draw: Callable[[int, int], None],
    network: Neighbours | None = None,
) -> Forecast:
    """Return the chance of tipping for each number of fixed colluders.

    A population has tipped if more than half of its free seats collude in the last round. `n_runs` games are played for
    each number and bootstrap sample; the exact chain and the infinite population are those of the fitted response, and
    are left out on a network.
    """
    generator = np.random.default_rng(seed)
    drawn = fitted.drawn()
    tipped, times, shares = [], [], []
    for done, response in enumerate(drawn, start=1):
        played = [_played(response, numbers, rounds, Fixed(count), n_runs, generator, network) for count in fixed]
        tipped.append([int(tipped_G.sum()) for tipped_G, _, _ in played])
        times.append([after_G.mean() for _, after_G, _ in played])
        shares.append([share_G.mean() for _, _, share_G in played])
        on_draw(done, len(drawn))
    tipped_BC = np.array(tipped)
    low_C, high_C = interval(tipped_BC, n_runs, generator)
    chances = []
    for index, count in enumerate(fixed):
        exact = infinite = None
        if network is None:
            infinite = float(mean_field.course(fitted.response, numbers, rounds, Fixed(count))[-1] > 0.5)
            if numbers.n_agents <= EXACT_UP_TO:
                exact = tip_chance(fitted.response, numbers, rounds, Fixed(count))
        chances.append(
            Chance(
                committed=count,
                p_flip=float(tipped_BC[:, index].mean() / n_runs),
                ci_low=float(low_C[index]),
                ci_high=float(high_C[index]),
                mean_time=float(np.mean(times, axis=0)[index]),
                share=float(np.mean(shares, axis=0)[index]),
                p_exact=exact,
                p_mean_field=infinite,
            )
        )
    resting = mean_field.resting(fitted.response, numbers) if network is None else None
    return Forecast(numbers.n_agents, chances, critical_mass(fixed, tipped_BC / n_runs), resting)


def _played(
    response: GameResponse,
    numbers: GameNumbers,
    rounds: int,
    fixed: Fixed,
    n_runs: int,
    generator: np.random.Generator,
    network: Neighbours | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return per game whether it tipped, the round from which on it had, and the share of colluders in the end."""
    n, at_once = numbers.n_agents, max(1, MOST_SEATS_AT_ONCE // numbers.n_agents)
    parts = [
        play_games(response, numbers, rounds, min(at_once, n_runs - first), generator, fixed, network=network)
        for first in range(0, n_runs, at_once)
    ]
    share_RG = np.concatenate(parts, axis=1)
    over_RG = share_RG > 0.5
    # The last round in which it had not tipped, and one more; all rounds where it has not in the end.
    after_G = np.minimum(rounds, rounds - np.argmin(over_RG[::-1], axis=0) + 1)
    after_G = np.where(over_RG.all(axis=0), 1, after_G)
    free = fixed.free(n)
    return over_RG[-1].astype(float), after_G.astype(float), (fixed.colluding + free * share_RG[-1]) / n
