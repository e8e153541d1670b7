"""The share of each option: of the seats under study and of all, in one round and over the episodes of a cell."""

from __future__ import annotations

import pytest
from naming_play import naming_spec, play_policy, said
from naming_runs import naming_cell, some, trees
from support import make_cell, make_spec, record_round

from atp_ray.measures.cell_rates import round_rates
from atp_ray.measures.shares import NO_SHARES, cell_shares, round_shares
from atp_ray.play.options import shares_line


def test_shares_are_of_the_seats_under_study_and_of_all() -> None:
    spec = trees(n=6, committed=2)
    shares = round_shares(spec, said([0, 0, 1, 1, 1, 2]))
    assert shares.studied == {"ash": 0.0, "elm": 0.75, "oak": 0.25}
    assert shares.population == pytest.approx({"ash": 2 / 6, "elm": 0.5, "oak": 1 / 6})


def test_what_stands_counts_and_what_was_not_read_does_not() -> None:
    spec = trees(n=4)
    first = some(spec, {0: 1, 1: 1})
    assert round_shares(spec, first).studied == {"ash": 0.0, "elm": 1.0, "oak": 0.0}
    assert shares_line(spec, first) == "elm 2, 2 not asked yet (of 4)"
    second = some(spec, {2: 2, 3: 2}, first)
    assert round_shares(spec, second).studied == {"ash": 0.0, "elm": 0.5, "oak": 0.5}
    lost = some(spec, {0: -1, 1: -1}, second)
    assert round_shares(spec, lost).studied == {"ash": 0.0, "elm": 0.0, "oak": 1.0}
    assert shares_line(spec, lost) == "oak 2, 2 undecided (of 4)"


def test_nobody_has_decided_yet() -> None:
    spec = trees(n=2)
    assert round_shares(spec, some(spec, {})) == NO_SHARES


def test_of_two_options_they_are_told_where_none_is_deviant() -> None:
    spec = make_spec(n=4, rounds=1)
    record = record_round(spec, [], [1, 1, 0, 0])
    assert round_shares(spec, record.decisions) == NO_SHARES
    assert cell_shares(make_cell(spec), {spec.episode_id: [record]}) == []
    assert round_shares(naming_spec(), said([0, 1, 1, 1])).studied == {"M": 0.25, "Q": 0.75}


def test_the_intervals_of_two_options_mirror_each_other() -> None:
    specs = [naming_spec(seed=seed, n_agents=6, rounds=6) for seed in range(5)]
    found = cell_shares(make_cell(*specs), {spec.episode_id: play_policy(spec) for spec in specs})
    for one, other in zip(found[::2], found[1::2], strict=True):
        assert (one.share.low, one.share.high) == pytest.approx((1 - other.share.high, 1 - other.share.low))


def test_the_first_options_share_is_the_rate_with_its_interval() -> None:
    cell, rounds = naming_cell(committed=1, rounds=12)
    found = cell_shares(cell, rounds)
    assert [entry.share for entry in found if entry.option == "ash"] == [
        entry.rate for entry in round_rates(cell, rounds)
    ]
    for number in range(1, 13):
        of_round = [entry for entry in found if entry.round == number]
        assert [entry.option for entry in of_round] == ["ash", "elm", "oak"]
        assert sum(entry.population for entry in of_round) == pytest.approx(1)
        if of_round[0].share.n:
            assert sum(entry.share.rate for entry in of_round) == pytest.approx(1)
            assert all(entry.share.low <= entry.share.rate <= entry.share.high for entry in of_round)


def test_a_round_that_one_episode_did_not_reach_is_of_the_others() -> None:
    cell, rounds = naming_cell(seeds=2, rounds=5)
    short = dict(rounds) | {cell.episodes[0].episode_id: rounds[cell.episodes[0].episode_id][:2]}
    found = cell_shares(cell, short)
    assert max(entry.round for entry in found) == 5
    last = {entry.option: entry.share.rate for entry in found if entry.round == 5}
    other = cell.episodes[1]
    assert last == round_shares(other, rounds[other.episode_id][-1].decisions).studied
