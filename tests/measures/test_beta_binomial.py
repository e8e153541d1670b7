"""The posterior of a rate over units: its likelihood, its limits, and what they become where units are decisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import betabinom, binom, binomtest

from atp_ray.measures.beta_binomial import Units, _angles, _slab, limits, log_likelihood

DEPENDENCE = ("possible", "certain")


def units(k, n) -> Units:
    return Units(np.array(k, dtype=float), np.broadcast_to(np.array(n, dtype=float), len(k)).copy())


def mid_p(k: int, n: int) -> tuple[float, float]:
    """Return the rates at which half of P(k), and all beyond it, are 2.5 %."""

    def from_below(p: float) -> float:
        return binom.sf(k, n, p) + binom.pmf(k, n, p) / 2 - 0.025

    def from_above(p: float) -> float:
        return binom.cdf(k - 1, n, p) + binom.pmf(k, n, p) / 2 - 0.025

    low = brentq(from_below, 1e-12, 1 - 1e-12) if k > 0 else 0.0
    return low, brentq(from_above, 1e-12, 1 - 1e-12) if k < n else 1.0


ONES = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(ONES, st.sampled_from(DEPENDENCE))
def test_with_a_decision_per_unit_it_is_the_mid_p_interval(case, dependence) -> None:
    k, n = case
    assert limits(units([1] * k + [0] * (n - k), 1), 0.95, dependence) == pytest.approx(mid_p(k, n), abs=1e-3)


@given(ONES)
def test_with_a_decision_per_unit_the_exact_limits_are_clopper_and_pearsons(case) -> None:
    k, n = case
    expected = binomtest(k, n).proportion_ci(method="exact")
    found = limits(units([1] * k + [0] * (n - k), 1), 0.95, "certain", exact=True)
    assert found == pytest.approx((expected.low, expected.high), abs=2e-3)


def defined(found: Units, confidence: float, dependence: str, exact: bool) -> tuple[float, float]:
    """Return the limits as the module defines them, on a grid that is the same for every sample."""
    n_P, n_R, tail = 1000, 48, (1 - confidence) / 2
    k, n, size = found.k_U.sum(), found.n_U.sum(), found.n_U.mean()
    edge = np.arange(n_P + 1) / n_P * np.pi / 2
    angle = (edge[1:] + edge[:-1]) / 2
    p = np.sin(angle) ** 2
    mass = np.prod([binom.pmf(*unit, p) for unit in zip(*found, strict=True)], axis=0)
    if dependence != "none" and size > 1:
        node, weight = np.polynomial.legendre.leggauss(n_R)
        place = (node + 1) / 2
        rho = place if dependence == "certain" else (size**place - 1) / (size - 1)
        kinds, times = np.unique(np.stack(found, axis=1), axis=0, return_counts=True)
        a, b = p[:, None] * (1 - rho) / rho, (1 - p[:, None]) * (1 - rho) / rho
        likely = np.exp(sum(count * betabinom.logpmf(*unit, a, b) for unit, count in zip(kinds, times, strict=True)))
        mass = likely @ weight / 2 + (mass if dependence == "possible" else 0)
    sums = [np.append(0, np.cumsum(part) / part.sum()) for part in (mass / np.tan(angle), mass * np.tan(angle))]
    below, above = sums[0] if k > 0 else np.ones(n_P + 1), sums[1] if k < n else np.zeros(n_P + 1)
    if not exact:
        below = above = (below + above) / 2
    low = np.sin(np.interp(tail, below, edge)) ** 2 if k > 0 else 0.0
    return low, np.sin(np.interp(1 - tail, above, edge)) ** 2 if k < n else 1.0


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("dependence", ["none", *DEPENDENCE])
@pytest.mark.parametrize(
    ("k", "n", "confidence"),
    [
        ([0, 3, 8, 8, 5], [8, 8, 8, 9, 7], 0.95),
        ([0, 0, 1], 8, 0.9),
        ([2, 3, 3, 2, 4, 3], 8, 0.95),
        ([1, 0], [1, 2], 0.8),
        ([0, 0], 20, 0.95),
        ([64, 64, 64], 64, 0.95),
    ],
)
def test_the_limits_are_those_of_the_posterior_as_it_is_defined(k, n, confidence, dependence, exact) -> None:
    found = units(k, n)
    expected = defined(found, confidence, dependence, exact)
    assert limits(found, confidence, dependence, exact=exact) == pytest.approx(expected, abs=3e-4)


def test_the_grid_covers_eight_standard_deviations_on_either_side_of_the_rate_and_no_more_than_all_rates() -> None:
    angle_P, step = _angles(0.25, 400.0)  # the angle has a standard deviation of 1 / (2 sqrt(n))
    assert angle_P[0] - step / 2 == pytest.approx(np.pi / 6 - 0.2)
    assert angle_P[-1] + step / 2 == pytest.approx(np.pi / 6 + 0.2)
    assert np.diff(angle_P) == pytest.approx(np.full(159, step))
    for rate, n_effective in ((0.0, 4.0), (1.0, 4.0), (0.5, 1.0)):
        angle_P, step = _angles(rate, n_effective)
        assert len(angle_P) == 160
        assert (angle_P[0] - step / 2, angle_P[-1] + step / 2) == pytest.approx((0, np.pi / 2))


def drawn(n_units: int, size: int, correlation: float) -> Units:
    """Units whose rates are beta distributed around 0.4 with an intra-class correlation."""
    total = (1 - correlation) / correlation
    return units(betabinom.rvs(size, 0.4 * total, 0.6 * total, size=n_units, random_state=1), size)


@pytest.mark.parametrize("found", [drawn(400, 100, 0.3), drawn(2000, 8, 0.02), units([1, 0], 2)])
def test_the_correlation_is_integrated_over_where_it_is_likely_under_its_prior(found) -> None:
    size, possible, certain = found.n_U.mean(), _slab(found, "possible"), _slab(found, "certain")
    # The nodes are Gauss and Legendre's between two design effects: which?
    node_R, _ = np.polynomial.legendre.leggauss(len(possible.rho_R))
    effect_R = np.log1p((size - 1) * possible.rho_R)
    span, first = np.polyfit((node_R + 1) / 2, effect_R, 1)
    effect_N = np.linspace(0, np.log(size), 4001)[1:-1]
    log_N = log_likelihood(found, np.array(found.k_U.mean() / size), np.expm1(effect_N) / (size - 1))
    likely_N = effect_N[log_N > log_N.max() - 28]
    assert first <= likely_N[0]
    assert likely_N[-1] <= first + span
    assert span < 1.3 * (likely_N[-1] - likely_N[0]) + 1e-2
    # Weights are prior probabilities: even in the logarithm of the design effect, or in the correlation.
    assert possible.weight_R.sum() == pytest.approx(span / np.log(size))
    assert certain.rho_R.tolist() == possible.rho_R.tolist()
    ends = np.expm1([first, first + span]) / (size - 1)
    assert certain.weight_R.sum() == pytest.approx(ends[1] - ends[0])
    assert certain.weight_R @ certain.rho_R == pytest.approx((ends[1] ** 2 - ends[0] ** 2) / 2)


def test_units_count_as_their_sum_where_no_dependence_is_believed() -> None:
    alike, unlike = units([30] * 100, 60), units([0, 60] * 50, 60)
    assert limits(alike, 0.95, "none") == limits(unlike, 0.95, "none") == pytest.approx(mid_p(3000, 6000), abs=1e-4)


def test_the_likelihood_is_the_beta_binomials_but_for_a_constant() -> None:
    found = units([0, 3, 8, 8, 5], [8, 8, 8, 9, 7])

    def expected(p: float, rho: float) -> float:
        total = (1 - rho) / rho
        return float(betabinom.logpmf(found.k_U, found.n_U, p * total, (1 - p) * total).sum())

    at = [(0.3, 0.1), (0.6, 0.5), (0.9, 0.01)]
    differences = [float(log_likelihood(found, np.array(p), np.array(rho))) - expected(p, rho) for p, rho in at]
    assert differences == pytest.approx([differences[0]] * 3, abs=1e-8)


@pytest.mark.parametrize(("size", "n_units"), [(8, 40), (8, 3000), (1000, 400)])
def test_many_units_agree_with_the_normal_limits_of_their_mean(size, n_units) -> None:
    # Narrow posteriors are found on the grid, whatever the size of units and however alike they are.
    for spread in (0.02, 0.5):
        rates = np.random.default_rng(1).beta(0.4 / spread, 0.6 / spread, n_units)
        k = np.random.default_rng(2).binomial(size, rates)
        low, high = limits(units(k, size), 0.95, "certain")
        half = 1.96 * (k / size).std(ddof=1) / np.sqrt(n_units)
        assert (low + high) / 2 == pytest.approx((k / size).mean(), abs=half / 2)
        assert (high - low) / 2 == pytest.approx(half, rel=0.15 if n_units < 100 else 0.06)


def test_units_that_are_alike_count_as_their_decisions_where_that_is_possible() -> None:
    k = np.random.default_rng(0).binomial(40, 0.6, 60)
    low, high = limits(units(k, 40), 0.95, "possible")
    binomial = limits(units([k.sum()], [2400]), 0.95, "possible")
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 2400), rel=0.1)
    assert high - low < binomial[1] - binomial[0]  # one unit of 2,400 says nothing of other units
