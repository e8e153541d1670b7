"""The tip: the first round from which the rate stays above one half, for one series and for many episodes at once."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import make_cell, make_spec, record_round

from atp_ray.errors import StorageError, UsageError
from atp_ray.measures.cell_tips import cell_tips
from atp_ray.measures.tips import tip, tips
from atp_ray.storage.tables import write_cell

RATES = st.lists(st.sampled_from([0.0, 0.5, 0.51, 1.0, math.nan]), max_size=6)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([0.2, 0.6, 0.7], 2),
        ([0.6, 0.4, 0.7], 3),
        ([0.6, 0.7, 0.4], None),
        ([0.6, 0.7], 1),
        ([0.5, 0.5], None),
        ([0.6, math.nan, 0.7], 3),
        ([0.6, math.nan], None),
        ([], None),
    ],
)
def test_a_rate_tips_in_the_first_round_from_which_it_stays_above_one_half(rates, expected) -> None:
    assert tip(rates) == expected


@given(st.lists(RATES, max_size=5))
def test_many_episodes_tip_as_each_does_alone(series) -> None:
    played = [(episode, number, rate) for episode, rates in enumerate(series) for number, rate in enumerate(rates, 1)]
    if not played:
        return
    episode_N, round_N, rate_N = (np.array(column) for column in zip(*played, strict=True))
    tip_E, last_E = tips(episode_N, round_N, rate_N.astype(float))
    for episode in set(episode_N.tolist()):
        assert (int(tip_E[episode]) or None) == tip(series[episode])
        assert last_E[episode] == len(series[episode])


def test_the_tips_of_a_run_are_those_of_its_episodes_in_the_order_of_play(tmp_path) -> None:
    courses = {"info_sharing": [0, 1, 1], "hunting_game": [1, 1, 1], "public_fund": [1, 1, 0]}
    specs = [make_spec(scenario=name) for name in courses]
    rounds = {}
    for spec in specs:
        settled = []
        for action in courses[spec.scenario.name]:
            settled.append(record_round(spec, settled, [action] * 8))
        rounds[spec.episode_id] = settled
    write_cell(tmp_path, make_cell(*specs, cell_id="a"), rounds)
    (found,) = cell_tips(tmp_path)
    assert found.cell_id == "a"
    assert found.episode_E.to_pylist() == [spec.episode_id for spec in specs]
    assert (found.tip_E.tolist(), found.last_E.tolist()) == ([2, 1, 0], [3, 3, 3])
    assert (found.n_later, found.n_from_start) == (1, 1)
    with pytest.raises(UsageError, match="holds no results"):
        list(cell_tips(tmp_path / "nowhere"))
    damaged = tmp_path / "rounds" / "a.parquet"
    damaged.write_bytes(b"nonsense")
    with pytest.raises(StorageError, match=rf"{damaged}: a\.parquet cannot be read"):
        list(cell_tips(tmp_path))
