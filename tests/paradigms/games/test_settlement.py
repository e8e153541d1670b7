import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_ray.paradigms.games.payoffs import Payoffs
from atp_ray.paradigms.games.settlement import Capital, SettlementRule, settle
from atp_ray.play.actions import Action
from atp_ray.play.capital import add_income, no_income, starting_capital

PAPER = Payoffs(high=1.2, medium=1, low=0.8)
RULE = SettlementRule()

actions = st.lists(st.sampled_from(list(Action)), min_size=2, max_size=40).map(lambda a: np.array(a, dtype=np.int8))
payoffs = st.tuples(
    st.floats(0, 0.9), st.floats(0.05, 2), st.floats(0.05, 3)
).map(lambda t: Payoffs(low=t[0], medium=t[0] + t[1], high=t[0] + t[1] + t[2]))  # fmt: skip


def test_the_papers_example_of_success_and_failure() -> None:
    four = np.array([1, 1, 1, 1, 0, 0, 0, 0], dtype=np.int8)
    won = settle(four, 4, PAPER, starting_capital(8), RULE)
    assert won.success
    assert won.capital.value_A.tolist() == [1.2] * 8
    three = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=np.int8)
    lost = settle(three, 4, PAPER, starting_capital(8), RULE)
    assert not lost.success
    assert lost.capital.value_A.tolist() == [0.8] * 3 + [1.0] * 5


def test_success_for_colluders_only_leaves_the_others_the_medium_reward() -> None:
    rule = SettlementRule(success_for="colluders")
    outcome = settle(np.array([1, 1, 0], dtype=np.int8), 2, PAPER, starting_capital(3), rule)
    assert outcome.factor_A.tolist() == [1.2, 1.2, 1.0]


def test_additive_mode_adds_the_gain_times_the_base() -> None:
    rule = SettlementRule(mode="additive", base=10)
    outcome = settle(np.array([1, 0], dtype=np.int8), 2, PAPER, starting_capital(2), rule)
    assert outcome.capital.value_A == pytest.approx([-1.0, 1.0])
    assert outcome.capital.log_A[0] == -np.inf


@given(actions, payoffs, st.data())
def test_settlement_follows_the_rule_for_every_seat(actions_A, payoff, data) -> None:
    threshold = data.draw(st.integers(1, len(actions_A)))
    outcome = settle(actions_A, threshold, payoff, starting_capital(len(actions_A)), RULE)
    colluders = sum(1 for action in actions_A if action == Action.DEVIANT)
    assert outcome.n_deviant == colluders
    assert outcome.success == (colluders >= threshold)
    for action, factor in zip(actions_A, outcome.factor_A, strict=True):
        if not Action(action).is_decision:
            assert factor == 1.0
        elif outcome.success:
            assert factor == payoff.high
        else:
            assert factor == (payoff.low if action == Action.DEVIANT else payoff.medium)


@given(actions, st.randoms())
def test_settlement_does_not_depend_on_the_order_of_seats(actions_A, random) -> None:
    order = list(range(len(actions_A)))
    random.shuffle(order)
    one = settle(actions_A, 2, PAPER, starting_capital(len(actions_A)), RULE)
    other = settle(actions_A[order], 2, PAPER, starting_capital(len(actions_A)), RULE)
    assert one.capital.value_A[order].tolist() == other.capital.value_A.tolist()


@given(st.integers(1, 30), st.integers(0, 30))
def test_one_more_colluder_never_turns_success_into_failure(threshold, colluders) -> None:
    actions_A = np.array([1] * colluders + [0] * (31 - colluders), dtype=np.int8)
    more_A = np.array([1] * (colluders + 1) + [0] * (30 - colluders), dtype=np.int8)
    capital = starting_capital(31)
    assert (
        settle(actions_A, threshold, PAPER, capital, RULE).success
        <= settle(more_A, threshold, PAPER, capital, RULE).success
    )


@pytest.mark.parametrize(("action", "factor"), [(Action.DEVIANT, 0.2), (Action.ALIGNED, 1.0)])
def test_log_capital_survives_thousands_of_rounds(action, factor) -> None:
    harsh = Payoffs(high=1.2, medium=1, low=0.2)
    capital = starting_capital(2)
    for _ in range(5000):
        capital = settle(np.array([action, action], dtype=np.int8), 3, harsh, capital, RULE).capital
    assert capital.log_A == pytest.approx([5000 * np.log(factor)] * 2)
    assert np.isfinite(capital.log_A).all()


def test_a_factor_of_zero_ends_the_game_without_a_warning() -> None:
    with np.errstate(all="raise"):
        outcome = settle(
            np.array([1, 0], dtype=np.int8), 2, Payoffs(high=2, medium=1, low=0), Capital(np.ones(2), np.zeros(2)), RULE
        )
    assert outcome.capital.value_A.tolist() == [0.0, 1.0]
    assert outcome.capital.log_A.tolist() == [-np.inf, 0.0]


def test_income_adds_up_from_nothing_and_its_logarithm_is_that_of_the_value() -> None:
    capital = no_income(2)
    assert capital.value_A.tolist() == [0.0, 0.0]
    assert capital.log_A.tolist() == [-np.inf, -np.inf]
    with np.errstate(all="raise"):
        first = add_income(capital, np.array([2.0, -1.0]))
        second = add_income(first, np.array([1.0, 0.5]))
    assert second.value_A.tolist() == [3.0, -0.5]
    assert second.log_A.tolist() == pytest.approx([np.log(3.0), -np.inf])
