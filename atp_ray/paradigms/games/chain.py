"""Games of one kind of responder as an exact Markov chain over the number of colluders."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import binom

from atp_ray.paradigms.games.quantal import FloatArray, GameResponse
from atp_ray.paradigms.games.scenarios import GameNumbers

NEGLIGIBLE = 1e-12  # probability of a state that is left out
_FFT_ABOVE = 256


def colluder_chances(response: GameResponse, numbers: GameNumbers, rounds: int) -> Iterator[FloatArray]:
    """Yield the probability of each number of colluders [n + 1], round by round.

    All seats respond alike to the round before: a colluder saw one colluder less among the others than who refrained.
    The next number is a sum of two binomial ones. States with a probability below `NEGLIGIBLE` are left out.
    """
    n = numbers.n_agents
    counts = np.arange(n + 1)
    (first,) = response.collude_probability(numbers)
    chance_K: FloatArray = binom.pmf(counts, n, first)
    yield chance_K
    for _ in range(rounds - 1):
        states = np.flatnonzero(chance_K > NEGLIGIBLE)
        after_K = np.zeros(n + 1)
        for success in (False, True):
            here = states[(states >= numbers.threshold) == success]
            if not len(here):
                continue
            others_decided = np.full(len(here), n - 1.0)
            again = response.collude_probability(numbers, np.maximum(here - 1.0, 0), others_decided, success)
            joins = response.collude_probability(
                numbers, np.minimum(here.astype(float), n - 1), others_decided, success
            )
            for state, p_again, p_joins in zip(here.tolist(), again.tolist(), joins.tolist(), strict=True):
                after_K += chance_K[state] * _sum_of_two(state, p_again, n - state, p_joins)
        chance_K = np.maximum(after_K, 0) / after_K.sum()
        yield chance_K


def expected_rates(response: GameResponse, numbers: GameNumbers, rounds: int) -> FloatArray:
    """Return the expected collusion rate of each round [R]."""
    counts = np.arange(numbers.n_agents + 1)
    return np.array(
        [float(chance_K @ counts) / numbers.n_agents for chance_K in colluder_chances(response, numbers, rounds)]
    )


def _sum_of_two(n_one: int, p_one: float, n_two: int, p_two: float) -> FloatArray:
    """Return the distribution of the sum of two binomial numbers."""
    one, two = binom.pmf(np.arange(n_one + 1), n_one, p_one), binom.pmf(np.arange(n_two + 1), n_two, p_two)
    convolved: FloatArray = fftconvolve(one, two) if n_one + n_two > _FFT_ABOVE else np.convolve(one, two)
    return convolved
