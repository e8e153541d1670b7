"""What small populations do, reckoned state by state: the exact chain and the infinite population against it."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest

from atp_ray.responses.exact_pairs import flip_chance, is_small, n_states
from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.population import Game
from atp_ray.responses.responder import Responder
from atp_ray.responses.window_codes import WindowCodes


def responder(memory: int, seed: int = 0) -> Responder:
    """Answers every window in a way of its own."""
    codes = WindowCodes(2, memory)
    second_U = np.random.default_rng(seed).uniform(0.1, 0.9, codes.n_windows)
    return Responder(lambda own_UH, other_UH: np.stack([1 - second_U, second_U], axis=1), codes)


def by_agents(found: Responder, game: Game, committed: int) -> float:
    """The same probability, by what each agent remembers and how many answers were `to` in each interaction."""
    codes, table_UK = found.codes, found.table_UK
    begin = (codes.full_of(game.start),) * (game.n_agents - committed)
    chances = {(begin, ()): 1.0}
    for _ in range(game.n_interactions):
        after = defaultdict(float)
        for (held, answered), chance in chances.items():
            for one, two in itertools.permutations(range(game.n_agents), 2):
                for own, other in itertools.product(range(2), repeat=2):
                    likely, then = chance / (game.n_agents * (game.n_agents - 1)), list(held)
                    for agent, mine, yours in ((one, own, other), (two, other, own)):
                        place = agent - committed
                        if place < 0:
                            likely *= mine == game.to
                            continue
                        likely *= table_UK[held[place], mine]
                        code = np.array([held[place]], codes.dtype)
                        then[place] = int(codes.remembered(code, np.int8([mine]), np.int8([yours]))[0])
                    if likely:
                        n_to = (own == game.to) + (other == game.to)
                        after[tuple(then), (*answered, n_to)[-3 * game.n_agents :]] += likely
        chances = after
    return sum(chance for (_, answered), chance in chances.items() if sum(answered) > len(answered))


@pytest.mark.parametrize(
    ("memory", "game", "committed"),
    [
        (1, Game(3, 0, 1, 2), 1),
        (1, Game(3, 1, 0, 3), 0),
        (2, Game(3, 0, 1, 3), 2),
        (1, Game(2, 0, 1, 7), 1),  # more than the six interactions that count
    ],
)
def test_the_chain_over_numbers_of_agents_is_the_one_over_agents(memory: int, game: Game, committed: int) -> None:
    found = responder(memory)
    assert flip_chance(found, game, committed) == pytest.approx(by_agents(found, game, committed), abs=1e-12)


def test_it_is_followed_up_to_so_many_states_and_answers() -> None:
    one = responder(1)
    assert n_states(one, Game(10, 0, 1, 9), 2) == 165  # eight agents with one of four memories each
    assert is_small(one, Game(29, 0, 1, 9), 0)  # 4,960 states, of 175 answers each
    assert not is_small(one, Game(30, 0, 1, 9), 0)  # 5,456 states
    assert not is_small(one, Game(38, 0, 1, 9), 10)  # 4,495 states of 229 answers: 1,029,355 entries are too many
    two = Responder(lambda own_UH, _: np.full((len(own_UH), 10), 0.1), WindowCodes(10, 5))
    assert not is_small(two, Game(2, 0, 1, 9), 2)  # one state, and no table


def followed(found: Responder, start: int, to: int, committed: float, rounds: int, over: float = 0.0) -> list[float]:
    """The share of `to` among all answers of an infinite population, window by window."""
    codes, table_UK = found.codes, found.table_UK
    share_U = {codes.full_of(start): 1.0 - over}
    share_U[codes.full_of(to)] = share_U.get(codes.full_of(to), 0.0) + over
    shares = []
    for _ in range(rounds):
        met_K = [
            (1 - committed) * sum(share * table_UK[code, name] for code, share in share_U.items()) for name in (0, 1)
        ]
        met_K[to] += committed
        shares.append(met_K[to])
        after = defaultdict(float)
        for code, share in share_U.items():
            for own, other in itertools.product(range(2), repeat=2):
                then = int(codes.remembered(np.array([code], codes.dtype), np.int8([own]), np.int8([other]))[0])
                after[then] += share * table_UK[code, own] * met_K[other]
        share_U = after
    return shares


@pytest.mark.parametrize(("start", "to", "committed", "over"), [(0, 1, 0.2, 0.0), (1, 0, 0.0, 0.3), (0, 1, 0.4, 1.0)])
def test_an_infinite_population_is_followed_window_by_window(
    start: int, to: int, committed: float, over: float
) -> None:
    found = responder(2, seed=3)
    course = MeanField(found).course(start, to, committed, most_rounds=6, over=over)
    assert course.share_R.tolist() == pytest.approx(followed(found, start, to, committed, 6, over), abs=1e-12)
    assert not course.rests


def test_it_is_followed_until_nothing_changes() -> None:
    field = MeanField(responder(1, seed=3))
    course = field.course(0, 1, 0.1)
    assert course.rests
    assert len(course.share_R) < 200
    assert course.share_R[-1] == pytest.approx(course.share_R[-2], abs=1e-9)
    assert field.course(0, 1, 0.1, most_rounds=len(course.share_R) - 1).rests is False
    # Where it rests, population and answers agree.
    curve = field.resting(1)
    ((share, stable),) = curve.states(0.1)
    assert stable
    assert course.share_R[-1] == pytest.approx(share, abs=2e-3)


def stepping(memory: int = 1) -> Responder:
    """Says what its partner said last, and the first name before that."""
    return Responder(lambda _, other_UH: np.eye(2)[np.maximum(other_UH[:, -1], 0)], WindowCodes(2, memory))


def test_flips_are_counted_over_as_many_answers_as_in_pairs() -> None:
    """Followers: of the free, the share 1 - 0.9^r says `to` in round r (from 0), of all it is 1 - 0.9^(r + 1)."""
    field = MeanField(stepping())
    assert field.course(0, 1, 0.1, most_rounds=4).share_R.tolist() == pytest.approx([1 - 0.9**r for r in (1, 2, 3, 4)])
    # 2 n interactions of pairs are rounds: the last six are looked at, here all of them or the last.
    means = [np.mean([1 - 0.9 ** (r + 1) for r in range(rounds)][-6:]) for rounds in range(1, 15)]
    flips = [field.flips(Game(10, 0, 1, 5 * rounds), 0.1) for rounds in range(1, 15)]
    assert flips == [mean > 0.5 for mean in means]
    assert set(flips) == {True, False}
    assert field.flips(Game(10, 0, 1, 10_000), 0.1)  # it rests long before
    assert not field.flips(Game(10, 0, 1, 1), 0.5)  # one round at least: just a half
    assert field.flips(Game(10, 0, 1, 1), 0.51)


def test_the_critical_mass_is_bisected() -> None:
    field = MeanField(responder(1, seed=3))
    found = field.critical_mass(0, 1, precision=0.01)
    assert found is not None
    assert field.critical_mass(1, 0) == 0.0 or found == 0.0  # one side wins by itself
    stubborn = MeanField(Responder(lambda own_UH, _: np.tile([1.0, 0.0], (len(own_UH), 1)), WindowCodes(2, 1)))
    assert stubborn.critical_mass(0, 1, precision=0.25) == 0.75
    assert 0.5 < stubborn.critical_mass(0, 1) <= 0.501


def test_what_is_too_large_is_not_solved_or_followed() -> None:
    large = WindowCodes(2, 6)
    big = Responder(lambda own_UH, _: np.full((len(own_UH), 2), 0.5), large)
    assert MeanField.of(big) is not None
    assert MeanField(big).resting(1) is None  # 4,096 full windows
    assert MeanField.of(Responder(lambda own_UH, _: np.full((len(own_UH), 2), 0.5), WindowCodes(2, 8))) is None
