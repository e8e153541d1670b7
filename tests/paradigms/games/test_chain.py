"""The exact chain of a game against games that are played."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from support import make_spec

from atp_ray.paradigms.games.chain import colluder_chances, expected_rates
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.responses import LogisticResponse

POLICY = QuantalResponse()


def played(numbers, rounds: int, games: int, seed: int = 0):
    """The number of colluders of many games [R, G], seat by seat."""
    rng, n = np.random.default_rng(seed), numbers.n_agents
    acted_GA = rng.random((games, n)) < POLICY.collude_probability(numbers)[0]
    counts = [acted_GA.sum(axis=1)]
    for _ in range(rounds - 1):
        others_GA = counts[-1][:, None] - acted_GA
        chance_GA = np.zeros((games, n))
        for success in (False, True):
            here = (counts[-1] >= numbers.threshold) == success
            if here.any():
                others = others_GA[here].ravel().astype(float)
                chance_GA[here] = POLICY.collude_probability(
                    numbers, others, np.full(len(others), n - 1.0), success
                ).reshape(-1, n)
        acted_GA = rng.random((games, n)) < chance_GA
        counts.append(acted_GA.sum(axis=1))
    return np.array(counts)


@pytest.mark.parametrize("threshold", [2, 4, 6])
def test_ten_thousand_games_of_eight_do_not_contradict_it(threshold: int) -> None:
    numbers = make_spec(threshold=threshold).parameters
    counts_RG = played(numbers, 3, 10_000)
    for counts_G, chance_K in zip(counts_RG, colluder_chances(POLICY, numbers, 3), strict=True):
        observed = np.bincount(counts_G, minlength=9)
        often = 10_000 * chance_K >= 5
        expected = np.append(chance_K[often], chance_K[~often].sum()) * 10_000
        seen = np.append(observed[often], observed[~often].sum())
        kept = expected > 0.5
        assert chisquare(seen[kept], expected[kept] * seen[kept].sum() / expected[kept].sum()).pvalue > 0.001


@pytest.mark.parametrize("n", [64, 512])
def test_large_populations_do_what_it_says(n: int) -> None:
    for share in (0.25, 0.5, 0.75):
        numbers = make_spec(n=n, threshold=int(share * n), visibility="counts").parameters
        rates = played(numbers, 3, 500).mean(axis=1) / n
        assert rates == pytest.approx(expected_rates(POLICY, numbers, 3), abs=0.03)


@settings(max_examples=30)
@given(n=st.integers(2, 12), data=st.data(), constant=st.floats(-3, 3))
def test_chances_add_up_to_one_and_a_responder_that_looks_at_nothing_stays_the_same(n, data, constant) -> None:
    numbers = make_spec(n=n, threshold=data.draw(st.integers(1, n))).parameters
    blind = LogisticResponse(coefficients=(constant, *[0.0] * 7))
    chances = list(colluder_chances(blind, numbers, 4))
    for chance_K in chances:
        assert chance_K.sum() == pytest.approx(1)
        np.testing.assert_allclose(chance_K, chances[0], atol=1e-9)
