"""The share of each option: of the seats under study and of all, in one round and over the episodes of a cell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from naming_play import naming_spec, play_policy, said
from naming_runs import naming_cell, some, trees
from support import make_cell, make_spec, record_round

from atp_ray.measures.cell_rates import round_rates
from atp_ray.measures.intervals import rate_interval
from atp_ray.measures.shares import NO_SHARES, cell_shares, round_shares
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.options import shares_line
from atp_ray.play.rounds import settle_round


def record_of(spec, options):
    """A round in which all seats stand by these options."""
    return replace(settle_round(spec, [], said(options)), decisions=said(options))


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


def test_every_share_has_the_interval_of_its_own_counts() -> None:
    one, other = trees(n=5, committed=1, seed=1), trees(n=5, committed=1, seed=2)
    short = naming_spec(n_agents=4, names="elm,yew", seed=3)
    rounds = {
        one.episode_id: [record_of(one, [0, 1, 1, 2, 1]), record_of(one, [0, 1, 1, 1, -1])],
        other.episode_id: [record_of(other, [0, 0, 1, 1, 1])],
        short.episode_id: [record_of(short, [0, 1, 1, 1]), record_of(short, [-1, -1, -1, -1])],
    }
    found = cell_shares(make_cell(one, other, short), rounds)
    assert [(entry.round, entry.option) for entry in found] == [
        (number, option) for number in (1, 2) for option in ("ash", "elm", "oak", "yew")
    ]
    taken = {  # of the seats under study, by episode; and of all seats
        (1, "ash"): ([0, 1, 0], [4, 4, 4], 3 / 14), (1, "elm"): ([3, 3, 1], [4, 4, 4], 7 / 14),
        (1, "oak"): ([1, 0, 0], [4, 4, 4], 1 / 14), (1, "yew"): ([0, 0, 3], [4, 4, 4], 3 / 14),
        (2, "ash"): ([0, 0], [3, 0], 1 / 4), (2, "elm"): ([3, 0], [3, 0], 3 / 4),
        (2, "oak"): ([0, 0], [3, 0], 0.0), (2, "yew"): ([0, 0], [3, 0], 0.0),
    }  # fmt: skip
    for entry in found:
        k_E, n_E, population = taken[entry.round, entry.option]
        playing = [one, other, short] if entry.round == 1 else [one, short]
        units_E = [paradigm(spec.paradigm).design.unit(spec, entry.round) for spec in playing]
        expected = rate_interval(k_E, n_E, units_E, first_round=entry.round == 1)
        for mine, theirs in zip(entry.share, expected, strict=True):
            assert mine == (pytest.approx(theirs) if isinstance(theirs, float) else theirs)
        assert entry.population == pytest.approx(population)


def test_where_nobody_has_decided_there_is_no_share() -> None:
    spec = naming_spec()
    nothing = cell_shares(make_cell(spec), {spec.episode_id: [record_of(spec, [-1] * 4)]})
    assert [(entry.option, entry.share.rate, entry.population) for entry in nothing] == [
        ("M", None, None), ("Q", None, None),
    ]  # fmt: skip
    assert cell_shares(make_cell(spec), {}) == []


def test_a_first_round_is_never_taken_for_a_later_one_with_the_same_counts() -> None:
    specs = [trees(n=6, seed=seed) for seed in range(4)]
    rounds = {spec.episode_id: [record_of(spec, [0, 1, 1, 2, 2, seed % 2])] * 3 for seed, spec in enumerate(specs)}
    found = [entry.share for entry in cell_shares(make_cell(*specs), rounds) if entry.option == "elm"]
    k_E, n_E = [2, 3, 2, 3], [6] * 4
    for number, share in enumerate(found, start=1):
        units_E = [paradigm(spec.paradigm).design.unit(spec, number) for spec in specs]
        assert share == rate_interval(k_E, n_E, units_E, first_round=number == 1)
    assert found[0] != found[1] == found[2]
