"""Games of one kind of responder as an exact Markov chain over the number of colluders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import binom

from atp_ray.paradigms.games.quantal import FloatArray, GameResponse
from atp_ray.paradigms.games.scenarios import GameNumbers

NEGLIGIBLE = 1e-12  # probability of a state that is left out
_FFT_ABOVE = 256
_ROWS = 256  # states whose next ones are reckoned together


class Fixed(NamedTuple):
    """Seats that always collude, and seats that never do; the others are free."""

    colluding: int = 0
    refraining: int = 0

    def free(self, n_agents: int) -> int:
        """Return how many seats are free."""
        return n_agents - self.colluding - self.refraining


NOBODY = Fixed()


def colluder_chances(
    response: GameResponse, numbers: GameNumbers, rounds: int, fixed: Fixed = NOBODY
) -> Iterator[FloatArray]:
    """Yield the probability of each number of free colluders [free + 1], round by round.

    All free seats respond alike to the round before: a colluder saw one colluder less among the others than who
    refrained. The next number is a sum of two binomial ones. States with a probability below `NEGLIGIBLE` are left out.
    """
    n, free = numbers.n_agents, fixed.free(numbers.n_agents)
    (first,) = response.collude_probability(numbers)
    chance_K: FloatArray = binom.pmf(np.arange(free + 1), free, first)
    yield chance_K
    for _ in range(rounds - 1):
        states = np.flatnonzero(chance_K > NEGLIGIBLE)
        after_K = np.zeros(free + 1)
        for success in (False, True):
            here = states[(states + fixed.colluding >= numbers.threshold) == success]
            if not len(here):
                continue
            others_decided = np.full(len(here), n - 1.0)
            seen = (here + fixed.colluding).astype(float)
            again = response.collude_probability(numbers, np.maximum(seen - 1, 0), others_decided, success)
            joins = response.collude_probability(numbers, np.minimum(seen, n - 1), others_decided, success)
            for first_row in range(0, len(here), _ROWS):
                rows = slice(first_row, first_row + _ROWS)
                after_K += chance_K[here[rows]] @ _sums_of_two(here[rows], again[rows], free, joins[rows])
        chance_K = np.maximum(after_K, 0) / after_K.sum()
        yield chance_K


def expected_rates(response: GameResponse, numbers: GameNumbers, rounds: int) -> FloatArray:
    """Return the expected collusion rate of each round [R]."""
    counts = np.arange(numbers.n_agents + 1)
    return np.array(
        [float(chance_K @ counts) / numbers.n_agents for chance_K in colluder_chances(response, numbers, rounds)]
    )


def tip_chance(response: GameResponse, numbers: GameNumbers, rounds: int, fixed: Fixed = NOBODY) -> float:
    """Return the probability that more than half of the free seats collude in the last round."""
    *_, chance_K = colluder_chances(response, numbers, rounds, fixed)
    return float(chance_K[fixed.free(numbers.n_agents) // 2 + 1 :].sum())


def _sums_of_two(n_one_S: FloatArray, p_one_S: FloatArray, free: int, p_two_S: FloatArray) -> FloatArray:
    """Return the distribution [S, free + 1] of the sum of two binomial numbers with `free` trials together."""
    counts = np.arange(free + 1)
    one = binom.pmf(counts, n_one_S[:, None], p_one_S[:, None])
    two = binom.pmf(counts, free - n_one_S[:, None], p_two_S[:, None])
    if free > _FFT_ABOVE:
        summed: FloatArray = fftconvolve(one, two, axes=1)[:, : free + 1]
        return summed
    return np.array([np.convolve(a, b)[: free + 1] for a, b in zip(one, two, strict=True)])
