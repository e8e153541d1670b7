"""Games of few seats reckoned choice by choice, and what each seat of a played one is shown."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from support import make_spec, record_round

from atp_ray.networks.kinds import Ring
from atp_ray.networks.neighbours import from_pairs
from atp_ray.paradigms.games import chain, mean_field
from atp_ray.paradigms.games.chain import Fixed, colluder_chances, expected_rates, tip_chance
from atp_ray.paradigms.games.populations import Seen, play_games
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.seat_chances import seat_chances
from atp_ray.play.actions import Action
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.rounds import observe_round
from atp_ray.responses.resting import resting_curve

POLICY = QuantalResponse()
D, A, U = Action.DEVIANT, Action.ALIGNED, Action.UNPARSED


def numbers(n: int, threshold: int):
    return make_spec(n=n, threshold=threshold).parameters


def by_choices(n: int, threshold: int, rounds: int, fixed: Fixed) -> list[list[float]]:
    """The chance of each number of free colluders in each round, by what every single seat chose."""
    game, free = numbers(n, threshold), fixed.free(n)
    (first,) = POLICY.collude_probability(game)

    def likely(acts, chances) -> float:
        return float(np.prod([chance if act else 1 - chance for act, chance in zip(acts, chances, strict=True)]))

    every = list(itertools.product((0, 1), repeat=free))
    chance_of, found = {acts: likely(acts, [first] * free) for acts in every}, []
    for number in range(rounds):
        if number:
            after = dict.fromkeys(every, 0.0)
            for acts, chance in chance_of.items():
                colluding = sum(acts) + fixed.colluding
                seen = np.array([colluding - act for act in acts], dtype=float)
                then = POLICY.collude_probability(game, seen, np.full(free, n - 1.0), colluding >= threshold)
                for next_acts in every:
                    after[next_acts] += chance * likely(next_acts, then)
            chance_of = after
        found.append([sum(chance for acts, chance in chance_of.items() if sum(acts) == k) for k in range(free + 1)])
    return found


@pytest.mark.parametrize(
    ("n", "threshold", "fixed"),
    [(4, 2, Fixed()), (5, 3, Fixed(1, 0)), (5, 3, Fixed(1, 1)), (5, 2, Fixed(2, 0)), (4, 4, Fixed(0, 2))],
)
def test_the_chain_over_numbers_of_colluders_is_the_one_over_choices(n: int, threshold: int, fixed: Fixed) -> None:
    game, expected = numbers(n, threshold), by_choices(n, threshold, 3, fixed)
    found = list(colluder_chances(POLICY, game, 3, fixed))
    assert len(found) == 3
    for chance_K, expected_K in zip(found, expected, strict=True):
        assert chance_K == pytest.approx(expected_K, abs=1e-9)
    free = fixed.free(n)
    assert tip_chance(POLICY, game, 3, fixed) == pytest.approx(sum(expected[-1][free // 2 + 1 :]), abs=1e-9)
    if not any(fixed):
        rates = [sum(k * chance for k, chance in enumerate(of_round)) / n for of_round in expected]
        assert expected_rates(POLICY, game, 3) == pytest.approx(rates, abs=1e-9)


def test_large_sums_are_reckoned_in_parts_and_by_transform_alike(monkeypatch) -> None:
    game, fixed = numbers(30, 12), Fixed(3, 2)
    plain = list(colluder_chances(POLICY, game, 3, fixed))
    monkeypatch.setattr(chain, "_FFT_ABOVE", 20)
    monkeypatch.setattr(chain, "_ROWS", 7)
    for one, other in zip(plain, colluder_chances(POLICY, game, 3, fixed), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


class Watching:
    """A response that notes what seats are shown, and colludes by a rule of its own."""

    def __init__(self, first: float, rule) -> None:
        self.seen, self._first, self._rule = [], first, rule

    def collude_probability(self, parameters, others_deviant_S=None, others_decided_S=None, success=None):
        if others_deviant_S is None:
            return np.array([self._first])
        for others, decided in zip(others_deviant_S.tolist(), others_decided_S.tolist(), strict=True):
            self.seen.append((others, decided, bool(success)))
        return np.array(
            [float(self._rule(o, d, success)) for o, d in zip(others_deviant_S, others_decided_S, strict=True)]
        )


def test_seats_are_shown_the_others_and_shielded_ones_no_fixed_colluder() -> None:
    # Of seven: two always collude, of four free ones one does not see these and one sees nothing, one refrains.
    watching = Watching(1.0, lambda others, decided, success: others >= 5)
    shares = play_games(watching, numbers(7, 6), 3, 2, np.random.default_rng(0), Fixed(2, 1), Seen(1, 1))
    # Round 1: six collude, a success. The fixed and the free see five of the others, the refusing seat six, the
    # shielded one three of four.
    assert set(watching.seen[:3]) == {(3.0, 4.0, True), (5.0, 6.0, True), (6.0, 6.0, True)}
    # Round 2: the shielded one refrains, the blind one and two others collude; five in all are too few.
    assert {success for _, _, success in watching.seen[3:]} == {False}
    assert set(watching.seen[3:]) == {(3.0, 4.0, False), (4.0, 6.0, False), (5.0, 6.0, False)}
    assert shares.tolist() == [[1.0] * 2, [0.75] * 2, [0.25] * 2]


def test_on_a_network_neighbours_are_seen_wherever_the_fixed_seats_are() -> None:
    ring = from_pairs(np.array([(seat, (seat + 1) % 6) for seat in range(6)]), 6)
    watching = Watching(0.0, lambda others, decided, success: 0.0)
    shares = play_games(watching, numbers(6, 1), 2, 50, np.random.default_rng(0), Fixed(1), network=ring)
    assert shares.tolist() == [[0.0] * 50] * 2
    assert set(watching.seen) == {(0.0, 2.0, True), (1.0, 2.0, True)}
    hidden = Watching(0.0, lambda others, decided, success: 0.0)
    play_games(hidden, numbers(6, 2), 2, 50, np.random.default_rng(0), Fixed(1), Seen(shielded=5), network=ring)
    assert set(hidden.seen) == {(0.0, 1.0, False), (0.0, 2.0, False)}


def test_games_of_which_some_succeed_are_told_each_its_own_outcome() -> None:
    watching = Watching(0.5, lambda others, decided, success: success)
    shares = play_games(watching, numbers(4, 3), 3, 200, np.random.default_rng(1))
    succeeded = shares[0] >= 0.75
    assert 0 < succeeded.sum() < 200
    assert shares[1].tolist() == shares[2].tolist() == succeeded.astype(float).tolist()


def test_the_mean_field_goes_from_share_to_share() -> None:
    game, fixed = numbers(10, 6), Fixed(2, 3)
    found = mean_field.course(POLICY, game, 4, fixed)
    (share,), expected = POLICY.collude_probability(game), []
    for _ in range(4):
        expected.append(float(share))
        of_all = (2 + 5 * share) / 10
        (share,) = POLICY.collude_probability(game, np.array([9 * of_all]), np.array([9.0]), of_all * 10 >= 6)
    assert found.tolist() == pytest.approx(expected)
    assert mean_field.answered(POLICY, game, 0.6) - mean_field.answered(POLICY, game, 0.5999) > 0.1  # enough is enough
    few = numbers(5, 3)  # so few that every one of them is evidence
    (expected_few,) = POLICY.collude_probability(few, np.array([0.7 * 4]), np.array([4.0]), True)
    assert mean_field.answered(POLICY, few, 0.7) == pytest.approx(float(expected_few))
    curve = mean_field.resting(POLICY, game)
    again = resting_curve(lambda share: mean_field.answered(POLICY, game, share), (0.6,), 401, of_free=True)
    of_all = resting_curve(lambda share: mean_field.answered(POLICY, game, share), (0.6,), 401)
    assert (curve.up, curve.down) == (again.up, again.down) != (of_all.up, of_all.down)
    assert np.abs(curve.share_S - 0.6).min() < 1e-8  # the jump is on the grid, on both sides
    assert len(curve.share_S) == 403
    answered = mean_field.answered(POLICY, game, float(curve.share_S[100]))
    assert curve.committed_S[100] == pytest.approx((curve.share_S[100] - answered) / (1 - answered))


def test_a_seat_answers_to_what_it_saw_last() -> None:
    spec = make_spec(n=6, threshold=3, network=Ring(), unreadable="counted")
    memory = EpisodeMemory(spec, (0, 2, 5))
    (first,) = POLICY.collude_probability(spec.parameters)
    assert seat_chances(POLICY, memory, [0, 1]).tolist() == [first]
    seen = observe_round(spec, record_round(spec, [], [D, D, A, U, D, A]), (0, 2, 5))
    memory.observe([seen])
    # Seat 2 has seen seat 1 collude and seat 3 be counted as refraining; seat 5 seats 0 and 4 collude.
    expected = POLICY.collude_probability(spec.parameters, np.array([2.0, 1.0]), np.array([2.0, 2.0]), True)
    assert seat_chances(POLICY, memory, [2, 1]) == pytest.approx(expected)
    erased = EpisodeMemory(spec, (0, 2, 5))
    erased.observe([replace(seen, forgotten_S=(False, True, False))])
    assert seat_chances(POLICY, erased, [2, 1]) == pytest.approx(np.array([expected[0], first]))
