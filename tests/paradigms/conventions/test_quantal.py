"""The analytic policy: what single agents do, and what the field knows of populations of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from naming_play import naming_spec, play_policy, remembered, settle_all

from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.paradigms.conventions.quantal import QuantalNaming
from atp_ray.play.chances import options_drawn
from atp_ray.play.decisions import actions_of, plain_decisions
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.rounds import observe_round, settle_round


def chances(*met: float, success: float = 100, failure: float = -50) -> list[float]:
    return QuantalNaming().chances(np.array([met]), success, failure)[0].tolist()


def test_without_memories_every_name_is_as_likely() -> None:
    assert chances(0, 0, 0, 0) == [0.25] * 4


def test_it_says_what_it_met_by_the_points_it_expects() -> None:
    told = chances(3, 2)
    # 4 and 3 halves of 6 to agree: a difference of 1/6 of 150 points at 0.08 each.
    assert np.log(told[0] / told[1]) == pytest.approx(0.08 * 150 / 6)
    assert sum(told) == pytest.approx(1)
    assert chances(5, 0)[0] > 0.9999
    assert chances(3, 2, success=10, failure=-5)[0] < told[0] < chances(3, 2, success=1000)[0]


def test_any_points_have_chances() -> None:
    told = QuantalNaming().chances(np.array([[5.0, 0.0], [1.0, 1.0], [0.0, 9.0]]), 1e6, -1e6)
    assert told == pytest.approx(np.array([[1, 0], [0.5, 0.5], [0, 1]]))


def test_who_starts_with_an_established_name_stays_with_it() -> None:
    spec = naming_spec(established="Q")
    told_SK = ENVIRONMENT.option_chances(EpisodeMemory(spec, range(4)), range(4))
    assert told_SK.shape == (4, 2)
    assert (told_SK[:, 1] > 0.9999).all()  # options: M, the challenger, then Q


def test_an_erased_memory_is_as_from_scratch() -> None:
    spec = naming_spec(n_agents=2, established="Q", history_window=2)
    memory = remembered(spec, settle_all(spec, [[1, 1], [1, 1]]), (0, 1))
    assert ENVIRONMENT.option_chances(memory, [1])[0, 1] > 0.99
    erased = EpisodeMemory(spec, (0, 1))
    for seen in memory.rounds:
        erased.observe([replace(seen, forgotten_S=(False, True))])
    assert ENVIRONMENT.option_chances(erased, [0, 1])[:, 1].tolist() == pytest.approx([0.9999, 0.5], abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_a_population_agrees_on_one_of_ten_names_from_scratch(seed) -> None:
    settled = play_policy(naming_spec(n_agents=24, n_names=10, rounds=40, seed=seed))
    first, last = (record.decisions.options_A for record in (settled[0], settled[-1]))
    assert np.bincount(first, minlength=10).max() < 12
    assert len(set(last.tolist())) == 1


def test_a_committed_minority_takes_over_above_a_critical_mass_only() -> None:
    def share(committed: int) -> float:
        spec = naming_spec(
            n_agents=48, committed=committed, established="M", challenger="Q", rounds=60, history_window=5
        )
        return float((play_policy(spec)[-1].decisions.options_A[committed:] == 0).mean())

    assert share(2) < 0.1
    assert share(12) > 0.9


def test_a_hundred_thousand_meet_at_once() -> None:
    spec = naming_spec(n_agents=100_001, n_names=10, rounds=3)
    n = 100_001
    memory, settled, random = EpisodeMemory(spec, range(n)), [], np.random.default_rng(0)
    for _ in range(3):
        option_A = options_drawn(ENVIRONMENT.option_chances(memory, range(n)), random.random(n))
        decisions = plain_decisions(actions_of(option_A), [None] * n, 1, option_A)
        settled.append(settle_round(spec, settled, decisions))
        memory.observe([observe_round(spec, settled[-1], range(n))])
    assert [record.decisions.n_asked for record in settled] == [100_000] * 3
    agreed = [float((record.reward_A > 0).mean()) for record in settled]
    assert agreed == pytest.approx([0.1] * 3, abs=0.01)  # so many do not agree in three rounds
