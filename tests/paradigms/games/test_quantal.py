import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom
from support import make_spec

from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.quantal import QuantalResponse, log_stakes
from atp_ray.paradigms.games.scenarios import GameNumbers

POLICY = QuantalResponse()


@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n), st.integers(0, n - 1))))
def test_the_chance_of_success_is_the_beta_binomial_tail(case) -> None:
    n, threshold, joined = case
    game = make_spec(n=n, threshold=threshold).parameters
    weight = min(1.0, 7 / (n - 1))
    a, b = 2.4 + weight * joined, 1.6 + weight * (n - 1 - joined)
    chance = float(betabinom.sf(threshold - 2, n - 1, a, b)) if threshold > 1 else 1.0
    log_odds = 8 * (chance * np.log(1.2) + (1 - chance) * np.log(0.8)) + 1.5
    expected = 1 / (1 + np.exp(-log_odds))
    found = POLICY.collude_probability(game, np.array([float(joined)]), np.array([n - 1.0]), True)
    assert found[0] == pytest.approx(expected, abs=1e-9)


def test_large_populations_take_the_beta_limit() -> None:
    exact = POLICY.collude_probability(make_spec(n=512, threshold=256, visibility="counts").parameters)[0]
    limit = POLICY.collude_probability(make_spec(n=4096, threshold=2048, visibility="counts").parameters)[0]
    assert limit == pytest.approx(exact, abs=0.01)


@given(st.integers(2, 20), st.data())
def test_a_lower_threshold_and_more_company_never_put_off(n, data) -> None:
    threshold = data.draw(st.integers(2, n))
    joined = data.draw(st.integers(0, n - 2)) if n > 2 else 0
    easier, harder = (make_spec(n=n, threshold=t).parameters for t in (threshold - 1, threshold))
    now, more = np.array([float(joined)]), np.array([float(min(joined + 1, n - 1))])
    others = np.array([n - 1.0])
    assert (
        POLICY.collude_probability(easier, now, others, True)
        >= POLICY.collude_probability(harder, now, others, True) - 1e-12
    )
    assert (
        POLICY.collude_probability(harder, more, others, True)
        >= POLICY.collude_probability(harder, now, others, True) - 1e-12
    )
    assert POLICY.collude_probability(harder, now, others, True) > POLICY.collude_probability(
        harder, now, others, False
    )


def test_a_reward_of_zero_is_finite() -> None:
    chance = POLICY.collude_probability(make_spec(threshold=8, rewards=(1.2, 1, 0)).parameters)
    assert 0 < chance[0] < 0.01


def test_lapses_are_decisions_of_a_coin() -> None:
    chances = np.array([0.0, 0.5, 0.8, 1.0])
    np.testing.assert_allclose(QuantalResponse(lapse=0.1).with_lapses(chances), [0.05, 0.5, 0.77, 0.95])
    np.testing.assert_array_equal(QuantalResponse().with_lapses(chances), chances)


def test_who_needs_nobody_else_is_sure_to_succeed_and_who_needs_one_is_not() -> None:
    nothing_seen = np.zeros((2, 2))
    assert QuantalResponse().success_chance(8, 1, nothing_seen).tolist() == [1.0, 1.0]
    assert (QuantalResponse().success_chance(8, 2, nothing_seen) < 1).all()


def test_stakes_are_ratios_to_the_safe_reward_and_a_loss_of_all_is_bounded() -> None:
    stakes = [
        log_stakes(GameNumbers(n_agents=8, threshold=4, payoffs=Payoffs(high=3.0, medium=2.0, low=low)))
        for low in (0.5, 0.0)
    ]
    np.testing.assert_allclose(np.exp(stakes), [[1.5, 0.25], [1.5, 0.025]])


def test_evidence_is_what_was_seen_up_to_the_cap() -> None:
    seen = QuantalResponse(evidence_cap=4.0).evidence(np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 6.0]))
    assert seen.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert QuantalResponse(evidence_cap=1.0).evidence(np.array([1.0]), np.array([1.0])).tolist() == [[1, 0]]


@pytest.mark.parametrize(("n_others", "tolerance"), [(512, 1e-9), (513, 0.003)])
def test_the_chance_of_success_among_many_is_the_beta_binomials(n_others: int, tolerance: float) -> None:
    policy = QuantalResponse()
    for needed in (100, 300):
        (found,) = policy.success_chance(n_others + 1, needed + 1, np.array([[3.0, 4.0]]))
        exact = betabinom.sf(needed - 1, n_others, policy.prior_collude + 3, policy.prior_refrain + 4)
        assert found == pytest.approx(exact, abs=tolerance)
