"""Limits on a run, and the account that lets rounds begin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import make_spec

from atp_ray.checkpoint.profiles import TokenPrice
from atp_ray.costs.budget import Account, Budget, Limits
from atp_ray.costs.prices import Rates, Tariff
from atp_ray.costs.usage import RoundShare, Usage, add_usages, total_usage, usage_of
from atp_ray.play.decisions import Decisions, plain_decisions
from atp_ray.play.episodes import SeatGroup

PRICED = Rates(tariffs={"tiny": Tariff(payment="tokens", source="", price=TokenPrice(input=1e6, output=2e6))})
ROUNDS = {"tiny": (RoundShare(Usage(10, 800, 200), 10), RoundShare(Usage(10, 1800, 200), 10))}


def episode(seed: int = 0):
    return make_spec(n=4, threshold=2, checkpoint="tiny", seed=seed)


def asked(prompt: int, completion: int = 0, n: int = 4) -> Decisions:
    """Decisions of `n` seats that took so many tokens each."""
    decisions = plain_decisions(np.zeros(n, dtype=np.int8), [None] * n, attempts=1)
    return decisions._replace(
        prompt_tokens_A=np.full(n, prompt, dtype=np.int64), completion_tokens_A=np.full(n, completion, dtype=np.int64)
    )


def test_a_round_is_counted_by_checkpoint_and_policies_ask_nothing() -> None:
    seats = [SeatGroup(checkpoint="policy:collude", count=2), SeatGroup(checkpoint="tiny", count=3),
             SeatGroup(checkpoint="other", count=1), SeatGroup(checkpoint="tiny", count=2)]  # fmt: skip
    spec = make_spec(n=8, seats=seats)
    decisions = asked(10, 3, n=8)._replace(attempts_A=np.arange(8))
    assert usage_of(spec, decisions) == {"tiny": Usage(2 + 3 + 4 + 6 + 7, 50, 15), "other": Usage(5, 10, 3)}


def test_without_limits_every_round_may_begin_and_is_counted() -> None:
    account = Account(Budget())
    for _ in range(3):
        assert account.begin_round(episode(), 1)
        account.settle("cell", episode(), asked(100, 10))
        account.end_round(episode())
    assert account.usages == {"tiny": Usage(12, 1200, 120)}
    assert account.reached is None


def test_rounds_in_play_are_booked_so_that_together_they_stay_within_the_limit() -> None:
    account = Account(Budget(Limits(tokens=1000), rounds=ROUNDS))
    assert [account.begin_round(episode(seed), 1) for seed in range(3)] == [True, True, False]
    assert account.reached == "--max-tokens-total 1000: 800 are spent, the next round takes about 400"


def test_later_rounds_are_booked_with_what_they_take() -> None:
    for number, room in ((1, 400), (2, 800), (9, 800)):
        assert Account(Budget(Limits(tokens=room), rounds=ROUNDS)).begin_round(episode(), number)
        assert not Account(Budget(Limits(tokens=room - 1), rounds=ROUNDS)).begin_round(episode(), number)


def test_what_was_booked_is_free_again_once_the_round_is_settled() -> None:
    account = Account(Budget(Limits(tokens=1000), rounds=ROUNDS))
    for _ in range(4):  # each takes a quarter of what was expected
        assert account.begin_round(episode(), 1)
        account.settle("cell", episode(), asked(20, 5))
        account.end_round(episode())
    assert account.usages["tiny"].tokens == 400


def test_once_a_limit_is_reached_no_round_begins() -> None:
    account = Account(Budget(Limits(tokens=100), rounds=ROUNDS))
    assert not account.begin_round(episode(), 1)
    reason = account.reached
    assert not account.begin_round(make_spec(n=4, threshold=2, checkpoint="policy:quantal"), 1)
    assert account.reached == reason


@given(st.integers(1, 20_000), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 20)), max_size=40))
def test_a_run_whose_rounds_take_no_more_than_expected_never_goes_beyond(limit, rounds) -> None:
    account = Account(Budget(Limits(tokens=limit), rounds=ROUNDS))
    in_play: list[tuple[int, tuple[int, int]]] = []
    for seed, took in enumerate(rounds):
        if account.begin_round(episode(seed), 1):
            in_play.append((seed, took))
        if len(in_play) > 3:
            begun, took = in_play.pop(0)
            account.settle("cell", episode(begun), asked(*took))
            account.end_round(episode(begun))
    for begun, took in in_play:
        account.settle("cell", episode(begun), asked(*took))
        account.end_round(episode(begun))
    assert total_usage(account.usages).tokens <= limit


def test_what_earlier_parts_took_counts_once() -> None:
    before = {"a": {"tiny": Usage(4, 400, 0)}, "b": {"tiny": Usage(4, 300, 100)}}
    account = Account(Budget(Limits(tokens=1000), rounds=ROUNDS, before=before))
    assert account.usages == {"tiny": Usage(8, 700, 100)}
    account.found("a", {"tiny": Usage(4, 400, 0)})  # its log is opened and holds what was known
    assert account.usages == {"tiny": Usage(8, 700, 100)}
    account.settle("a", episode(), asked(10))
    assert account.usages == {"tiny": Usage(12, 740, 100)}
    again = Account(Budget(before=before))  # a coordinator that was restarted reads the round from the log
    again.found("a", add_usages([before["a"], usage_of(episode(), asked(10))]))
    assert again.usages == account.usages


def test_a_run_that_is_beyond_its_limit_is_told_before_it_starts() -> None:
    before = {"a": {"tiny": Usage(1, 600, 400)}}
    assert Account(Budget(Limits(tokens=1000), before=before)).reached_now() is not None
    assert Account(Budget(Limits(tokens=1001), before=before)).reached_now() is None


def test_dollars_are_limited_with_those_of_the_next_round() -> None:
    # A seat is expected to take 80 x $1 + 20 x $2 = $120.
    account = Account(Budget(Limits(cost=1000), PRICED, ROUNDS))
    assert account.begin_round(episode(0), 1)
    assert account.begin_round(episode(1), 1)
    assert not account.begin_round(episode(2), 1)
    assert account.reached == "--max-cost 1000: with the next round it would be 1440.00"


def test_an_unknown_price_lets_nothing_begin_under_a_limit_on_dollars() -> None:
    unknown = Rates(tariffs={"tiny": Tariff(payment="unknown", source="")})
    account = Account(Budget(Limits(cost=1000), unknown, ROUNDS))
    assert not account.begin_round(episode(), 1)
    assert "the price is not known" in str(account.reached)


def test_gpu_time_costs_too() -> None:
    now = 1000.0
    rates = Rates(tariffs={"tiny": Tariff(payment="machine", source="")}, gpu_hour=3.6)
    budget = Budget(Limits(cost=10), rates, gpus=2, gpus_since=now, gpu_seconds_before=4000)
    account = Account(budget, clock=lambda: now)
    assert account.begin_round(episode(), 1)  # $4 so far
    now += 2500  # 2 x 2500 s more: $9
    assert account.begin_round(episode(), 1)
    now += 1000
    assert not account.begin_round(episode(), 1)
    assert budget.gpu_seconds(now) == pytest.approx(11_000)


def test_hours_count_from_the_runs_beginning() -> None:
    now = 50_000.0
    account = Account(Budget(Limits(hours=2), since=now - 5400), clock=lambda: now)
    assert account.begin_round(episode(), 1)
    now += 1800
    assert not account.begin_round(episode(), 1)
    assert account.reached == "--max-hours 2: 2.00 hours have passed"
