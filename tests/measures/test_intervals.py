"""Intervals of rates: what they promise whatever the counts, and which method is used when."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import make_cell, make_spec, play, record_round

from atp_ray.measures.beta_binomial import Units, limits
from atp_ray.measures.cell_rates import recollusion, round_rates
from atp_ray.measures.intervals import RateInterval, rate_interval
from atp_ray.measures.results import interval_note, load_results
from atp_ray.play.episodes import SeatGroup, seat_plan
from atp_ray.storage.tables import write_cell

GAMES = tuple("abcdefg")


def found(k, n=8, units=None, *, first_round=False) -> RateInterval:
    """Return the interval of episodes of `n` decisions each; every one a unit of its own unless `units` says else."""
    names = tuple(map(str, range(len(k)))) if units is None else units
    return rate_interval(k, [n] * len(k) if isinstance(n, int) else n, names, first_round=first_round)


def width(interval: RateInterval) -> float:
    return interval.high - interval.low


EPISODES = st.lists(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.sampled_from(GAMES))),
    min_size=1,
    max_size=12,
)


@given(EPISODES, st.booleans())
def test_an_interval_holds_the_rate_stays_in_bounds_and_turns_round_with_the_question(episodes, first_round) -> None:
    k, n, units = zip(*episodes, strict=True)
    interval = rate_interval(k, n, units, first_round=first_round)
    assert 0 <= interval.low <= interval.rate <= interval.high <= 1
    assert (interval.low == 0) == (sum(k) == 0)
    assert (interval.high == 1) == (sum(k) == sum(n))
    assert interval.n == sum(n)
    other = rate_interval([m - j for j, m in zip(k, n, strict=True)], n, units, first_round=first_round)
    assert (1 - other.high, 1 - other.low) == pytest.approx((interval.low, interval.high), abs=1e-6)


@given(st.permutations(range(7)), st.booleans())
def test_the_order_of_episodes_says_nothing(order, first_round) -> None:
    k = [8, 7, 3, 0, 8, 8, 5]
    one, other = found(k, first_round=first_round), found([k[i] for i in order], first_round=first_round)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)


@pytest.mark.parametrize("first_round", [True, False])
@pytest.mark.parametrize("units", [None, GAMES * 3])
def test_more_deviant_decisions_in_every_game_raise_both_ends(units, first_round) -> None:
    n = 7 if units is None else 21
    ends = [found([k] * n, 8, units, first_round=first_round)[1:3] for k in range(1, 8)]
    for (low, high), (next_low, next_high) in pairwise(ends):
        assert low < next_low
        assert high < next_high


@pytest.mark.parametrize("first_round", [True, False])
def test_games_that_go_one_way_each_say_less_than_games_that_do_not(first_round) -> None:
    for units in (None, GAMES[:4]):
        alike, apart = found([4, 4, 4, 4], 8, units), found([8, 0, 8, 0], 8, units)
        assert (alike.rate, apart.rate) == (0.5, 0.5)
        assert width(apart) > 1.5 * width(alike)
    repeated = GAMES[:4] * 2
    mixed = found([4, 4, 4, 4] * 2, 8, repeated, first_round=first_round)
    by_episode = found([8, 0, 8, 0, 0, 8, 0, 8], 8, repeated, first_round=first_round)
    by_game = found([8, 0, 8, 0] * 2, 8, repeated, first_round=first_round)
    assert width(mixed) < width(by_game)
    if not first_round:
        assert width(mixed) < width(by_episode) < width(by_game)


def test_all_of_seven_games_is_not_56_decisions() -> None:
    later, first = found([8] * 7), found([8] * 7, first_round=True)
    assert later.low < found([1] * 56, 1).low
    # Not even seven decisions are known, but at least seven games are.
    assert found([1] * 7, 1).low - 0.05 < later.low < first.low < found([1] * 56, 1).low
    lows = [found([8] * games).low for games in (2, 3, 7, 20, 70)]
    assert lows == sorted(lows)
    assert found([8] * 70).low > 0.93


def test_many_units_are_centred_on_their_rate_however_rates_are_distributed() -> None:
    # Most games near one end and some near the other: no beta distribution looks like this.
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(40):
        rates = np.where(rng.random(100) < 0.7, 0.95, 0.05)
        covered += (interval := found(rng.binomial(40, rates).tolist(), 40)).low <= 0.68 <= interval.high
    assert covered >= 35


def test_one_game_played_again_and_again_is_about_that_game() -> None:
    again = found([5, 3, 6, 4], 8, ("a",) * 4)
    assert again.method == "beta-binomial by episode, each once"
    assert again[:4] == found([5, 3, 6, 4], 8)[:4]
    # Nobody has seen anybody, and there is no other game: its decisions are independent.
    first = found([5, 3, 6, 4], 8, ("a",) * 4, first_round=True)
    assert first.method == "mid-P"
    assert first[1:3] == pytest.approx(found([1] * 18 + [0] * 14, 1)[1:3])


def test_episodes_that_go_one_way_count_as_one_decision_each() -> None:
    k = [8, 0, 0, 8, 8, 8, 0, 8, 0]
    interval = found(k, 8, ("a", "b", "c") * 3)
    per_game = Units(np.array([2.0, 2.0, 1.0]), np.array([3.0] * 3))
    assert interval[1:3] == pytest.approx(limits(per_game, 0.95, "possible"))
    # The same where there is nothing to measure it from: all games went one way.
    sure = found([8, 0] * 3, 8, ("a", "b") * 3)
    assert sure[1:3] == pytest.approx(limits(Units(np.array([3.0, 0.0]), np.array([3.0, 3.0])), 0.95, "possible"))


def test_repetitions_tell_imitation_from_chance() -> None:
    rng = np.random.default_rng(3)
    games = GAMES * 10
    independent = found(rng.binomial(8, 0.6, 70).tolist(), 8, games)
    imitating = found((8 * rng.binomial(1, 0.6, 70)).tolist(), 8, games)
    assert independent.method == imitating.method == "beta-binomial by unit, repeated"
    assert width(imitating) > 2 * width(independent)
    # Without repetitions the same decisions would have to be taken for the less certain kind.
    assert width(independent) < width(found([5, 4, 6, 5, 3, 5, 6], 8))


def test_the_method_follows_the_design() -> None:
    assert found([5, 3]).method == "beta-binomial by unit, each once"
    assert found([5, 3], first_round=True).method == "beta-binomial by unit, round 1"
    assert found([1, 0], 1).method == "mid-P"
    assert found([5, 3, 4, 4], 8, ("a", "b", "a", "b")).method == "beta-binomial by unit, repeated"
    # A game without any decision is none.
    assert found([5, 3, 0, 0], (8, 8, 0, 0), ("a", "a", "b", "b")).method == "beta-binomial by episode, each once"
    assert rate_interval([], [], []) == (None, None, None, 0, "none")
    assert rate_interval([0], [0], ["a"]) == (None, None, None, 0, "none")


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(k, n) -> None:
    with pytest.raises(ValueError, match="successes must be in"):
        rate_interval([k], [n], ["a"])
    with pytest.raises(ValueError, match="one entry per episode"):
        rate_interval([1, 1], [5, 5], ["a"])


def test_a_cell_names_the_method_of_each_round() -> None:
    specs = [make_spec(scenario=name) for name in ("info_sharing", "hunting_game", "public_fund")]
    once = round_rates(make_cell(*specs), {spec.episode_id: play(spec, seed=i) for i, spec in enumerate(specs)})
    methods = [rate.rate.method for rate in once]
    assert methods == ["beta-binomial by unit, round 1", *["beta-binomial by unit, each once"] * 2]
    twice = [make_spec(scenario=spec.scenario.name, seed=seed) for spec in specs for seed in (0, 1)]
    repeated = round_rates(make_cell(*twice), {spec.episode_id: play(spec, seed=i) for i, spec in enumerate(twice)})
    assert [rate.rate.method for rate in repeated][1:] == ["beta-binomial by unit, repeated"] * 2


def test_the_method_of_each_interval_is_stored_and_read_back(tmp_path) -> None:
    specs = [make_spec(scenario=name, threshold=1) for name in ("info_sharing", "hunting_game")]
    played = {spec.episode_id: play(spec, seed=i) for i, spec in enumerate(specs)}
    assert all(records[0].success for records in played.values())
    write_cell(tmp_path, make_cell(*specs), played)
    (result,) = load_results(tmp_path)
    methods = [rate.method for rate in result.rates_R]
    assert methods == ["beta-binomial by unit, round 1", *["beta-binomial by unit, each once"] * 2]
    # What happens in round 2 after a success has its own method: it is no first round.
    assert result.recollusion.method == "beta-binomial by unit, each once"
    assert interval_note([result]) == f"95 % intervals ({methods[0]}; {methods[1]})"


def test_rates_count_decisions_of_all_games_once() -> None:
    specs = [make_spec(scenario=name) for name in ("info_sharing", "hunting_game", "public_fund")]
    rounds = {spec.episode_id: play(spec, seed=i) for i, spec in enumerate(specs)}
    rates = round_rates(make_cell(*specs), rounds)
    for rate in rates:
        deviant = sum(int((rounds[spec.episode_id][rate.round - 1].decisions.action_A == 1).sum()) for spec in specs)
        assert (rate.rate.n, rate.rate.rate) == (24, deviant / 24)


def test_fixed_colluders_are_part_of_the_game_but_not_of_the_rate() -> None:
    seats = seat_plan(SeatGroup(checkpoint="tiny", count=4), 2, "head")
    spec = make_spec(n=4, threshold=2, rounds=2, seats=seats)
    first = record_round(spec, [], [1, 1, 0, 0])
    second = record_round(spec, [first], [1, 1, 1, 0])
    assert first.success
    rounds = {spec.episode_id: [first, second]}
    assert [rate.rate.rate for rate in round_rates(make_cell(spec), rounds)] == [0.0, 0.5]
    assert recollusion(make_cell(spec), rounds)[:1] == (0.5,)


def test_recollusion_is_about_successful_first_rounds_only() -> None:
    won, lost = make_spec(n=2, threshold=1, rounds=2, seed=1), make_spec(n=2, threshold=1, rounds=2, seed=2)
    first_won, first_lost = record_round(won, [], [1, 0]), record_round(lost, [], [0, 0])
    rounds = {
        won.episode_id: [first_won, record_round(won, [first_won], [1, 1])],
        lost.episode_id: [first_lost, record_round(lost, [first_lost], [0, 0])],
    }
    result = recollusion(make_cell(won, lost), rounds)
    assert (result.rate, result.n) == (1.0, 2)
    assert recollusion(make_cell(lost), rounds).rate is None


def test_recollusion_asks_for_success_in_round_1_and_counts_read_decisions_of_round_2() -> None:
    def rounds(seed, *played):
        spec, settled = make_spec(n=4, threshold=2, rounds=3, seed=seed), []
        for actions in played:
            settled.append(record_round(spec, settled, actions))
        return spec, settled

    unparsed, missing = 2, 3
    won, won_rounds = rounds(1, [1, 1, 0, 0], [1, 0, unparsed, missing], [0, 0, 0, 0])
    late, late_rounds = rounds(2, [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1])
    short, short_rounds = rounds(3, [1, 1, 1, 1])
    assert [record.success for record in won_rounds] == [True, False, False]
    played = {won.episode_id: won_rounds, late.episode_id: late_rounds, short.episode_id: short_rounds}
    result = recollusion(make_cell(won, late, short), played)
    assert (result.rate, result.n) == (0.5, 2)


def test_turns_without_a_decision_are_counted_apart_in_every_round() -> None:
    spec = make_spec(n=4, threshold=2, rounds=2)
    first = record_round(spec, [], [1, 0, 2, 3])
    rates = round_rates(make_cell(spec), {spec.episode_id: [first, record_round(spec, [first], [2, 2, 3, 3])]})
    assert [(rate.round, rate.rate.rate, rate.rate.n, rate.n_undecided) for rate in rates] == [
        (1, 0.5, 2, 2),
        (2, None, 0, 4),
    ]
