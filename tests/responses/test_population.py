"""Populations of responders: pairs, rounds, and the infinite one."""

import numpy as np
import pytest
from naming_games import MEMORY, NAMES, TRUTH, true_chances

from atp_ray.errors import UsageError
from atp_ray.networks.neighbours import Neighbours
from atp_ray.responses.features import features
from atp_ray.responses.mean_field import MeanField
from atp_ray.responses.population import Game, Lanes, play_pairs, play_rounds
from atp_ray.responses.responder import Responder
from atp_ray.responses.window_codes import WindowCodes

CODES = WindowCodes(len(NAMES), MEMORY)


def TRUTH_CHANCES(own_UH, other_UH):
    return TRUTH.probabilities(features(own_UH, other_UH, len(NAMES), "lags"))


def responder(chances_UK) -> Responder:
    return Responder(lambda own_UH, other_UH: chances_UK, CODES)


def responder_of(rule) -> Responder:
    """A responder by a rule that says how likely the second name is for own and partner's names."""

    def chances(own_UH, other_UH):
        second_U = np.array([rule(own, other) for own, other in zip(own_UH, other_UH, strict=True)], dtype=float)
        return np.stack([1 - second_U, second_U], axis=1)

    return Responder(chances, CODES)


STUBBORN = responder_of(lambda own, other: 0.0)
FOLLOWER = responder_of(lambda own, other: float(other[-1] == 1))
COIN = responder_of(lambda own, other: 0.5)
KNOWN = responder(true_chances())
SIX = Game(6, 0, 1, 600)


def flips_of(responds, lanes: Lanes, game: Game = SIX, seed: int = 0, neighbours=None):
    return play_pairs(responds, game, lanes, np.random.default_rng(seed), neighbours)


@pytest.mark.parametrize(
    ("responds", "committed", "flips"),
    [(STUBBORN, 0, 0), (STUBBORN, 2, 0), (STUBBORN, 5, 1), (STUBBORN, 6, 1), (FOLLOWER, 0, 0), (FOLLOWER, 1, 1)],
)
def test_who_flips_is_known_where_responders_are_simple(responds, committed, flips) -> None:
    flips_L = flips_of(responds, Lanes.of(np.full(40, committed)))
    assert flips_L.flipped_L.mean() == flips
    assert (flips_L.after_L[~flips_L.flipped_L] == 600).all()


def test_committed_agents_flip_it_sooner_the_more_they_are() -> None:
    flips = flips_of(FOLLOWER, Lanes.of(np.repeat([1, 2, 4], 50)))
    after = flips.after_L.reshape(3, 50).mean(axis=1)
    assert after[0] > after[1] > after[2]


def test_coins_flip_half_of_the_time() -> None:
    flips = flips_of(COIN, Lanes.of(np.zeros(4000, int)), Game(6, 0, 1, 60), seed=1)
    # Half of the answers is no flip: 36 answers, exactly 18 in 13 % of cases.
    assert flips.flipped_L.mean() == pytest.approx((1 - 0.132) / 2, abs=0.025)


def test_many_agents_do_what_the_infinite_population_does() -> None:
    codes_A = np.full(100_000, CODES.full_of(0), dtype=np.int32)
    shares = play_rounds(KNOWN, codes_A, 20_000, 1, 25, np.random.default_rng(0))
    expected = MeanField(KNOWN).course(0, 1, 0.2, most_rounds=25).share_R
    np.testing.assert_allclose(shares[: len(expected)], expected[:25], atol=0.008)
    assert shares[-1] > shares[0] + 0.02


def test_an_odd_agent_pauses() -> None:
    codes_A = np.full(3, CODES.full_of(0), dtype=np.int32)
    play_rounds(FOLLOWER, codes_A, 1, 1, 1, np.random.default_rng(0))
    assert (codes_A == CODES.full_of(0)).sum() == 1


def test_the_tipping_point_parts_those_who_flip_from_those_who_do_not() -> None:
    field = MeanField(KNOWN)
    share = field.critical_mass(0, 1, precision=1e-3)
    assert share is not None
    assert 0.01 < share < 0.5
    assert field.course(0, 1, share + 0.005).share_R[-1] > 0.5 > field.course(0, 1, share - 0.005).share_R[-1]


def test_what_flips_by_itself_needs_nobody() -> None:
    assert MeanField(responder_of(lambda own, other: 0.9)).critical_mass(0, 1) == 0.0
    assert MeanField(STUBBORN).critical_mass(0, 1, precision=1e-3) == pytest.approx(0.5, abs=2e-3)


# What can be done about it


def test_agents_that_hold_the_old_name_stop_followers_and_too_few_of_them_do_not() -> None:
    chance = [flips_of(FOLLOWER, Lanes.of(np.full(60, 2), holding=held)).flipped_L.mean() for held in (0, 2, 4)]
    assert chance[0] == 1.0
    assert 0.2 < chance[1] < 0.8  # as many of either side
    assert chance[2] == 0.0


def test_who_never_meets_the_committed_keeps_the_old_name_and_nobody_does_if_all_are_apart() -> None:
    apart = flips_of(FOLLOWER, Lanes.of(np.full(60, 2), protected=4))
    assert apart.share_L.mean() == pytest.approx(1 / 7, abs=0.04)  # one of the seven pairs that are left
    assert not apart.flipped_L.any()
    off = flips_of(FOLLOWER, Lanes.of(np.full(60, 2), avoided=1.0))
    assert not off.flipped_L.any()
    half = flips_of(FOLLOWER, Lanes.of(np.full(60, 2), avoided=0.5))
    none = flips_of(FOLLOWER, Lanes.of(np.full(60, 2)))
    assert half.after_L.mean() > 1.2 * none.after_L.mean()


def test_what_is_not_remembered_does_not_convince() -> None:
    assert not flips_of(FOLLOWER, Lanes.of(np.full(40, 1), unseen=1.0)).flipped_L.any()
    slower = flips_of(FOLLOWER, Lanes.of(np.full(40, 2), unseen=0.5)).after_L.mean()
    assert slower > 1.2 * flips_of(FOLLOWER, Lanes.of(np.full(40, 2))).after_L.mean()


def test_a_meeting_that_no_other_can_replace_takes_place() -> None:
    two = flips_of(FOLLOWER, Lanes.of(np.full(5, 1), avoided=1.0), Game(2, 0, 1, 20))
    assert two.flipped_L.all()


# Who can meet whom

PAIRS = Neighbours(np.array([0, 1, 2, 3, 4, 4, 4]), np.array([1, 0, 3, 2], np.int32))  # two pairs, and two alone
RING = Neighbours(np.arange(0, 13, 2), np.array([5, 1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 0], np.int32))


def test_on_a_graph_only_neighbours_meet() -> None:
    flips = flips_of(FOLLOWER, Lanes.of(np.full(400, 1)), neighbours=PAIRS)
    # One of six agents is committed: its own pair follows, the other pair never hears of it.
    assert flips.share_L.max() < 0.9
    assert (flips.share_L == 0).mean() == pytest.approx(2 / 6, abs=0.08)  # it is one of the two that meet nobody
    assert flips_of(FOLLOWER, Lanes.of(np.full(40, 1)), neighbours=RING).flipped_L.all()


def test_in_rounds_on_a_graph_nobody_meets_two() -> None:
    codes_A = np.full(6, CODES.full_of(0), dtype=np.int32)
    play_rounds(FOLLOWER, codes_A, 1, 1, 1, np.random.default_rng(0), PAIRS)
    changed = np.flatnonzero(codes_A != CODES.full_of(0)).tolist()
    assert changed == [0, 1]  # the committed agent and its only neighbour remember
    shares = play_rounds(FOLLOWER, np.full(6, CODES.full_of(0), np.int32), 1, 1, 60, np.random.default_rng(0), RING)
    assert shares[-1] == 1.0


# Agent by agent


def drawn(rng, n_lanes: int, n_agents: int, neighbours):
    """Two different agents for each lane: neighbours, if there is a graph."""
    if neighbours is None:
        one = rng.integers(n_agents, size=n_lanes)
        return one.tolist(), ((one + rng.integers(1, n_agents, size=n_lanes)) % n_agents).tolist()
    linked = [agent for agent in range(n_agents) if len(neighbours.of(agent))]
    one = [linked[place] for place in rng.integers(len(linked), size=n_lanes)]
    two = rng.integers([len(neighbours.of(agent)) for agent in one])
    return one, [int(neighbours.of(agent)[place]) for agent, place in zip(one, two, strict=True)]


def one_by_one(lanes: Lanes, game: Game, neighbours, seed: int):
    """Play lanes with lists of what each agent remembers; return flips, when for good, and shares, lane by lane."""
    rng, n, n_lanes = np.random.default_rng(seed), game.n_agents, len(lanes.committed_L)
    rank = np.tile(np.arange(n), (n_lanes, 1))
    if neighbours is not None:
        rank = rng.permuted(rank, axis=1)
    memory = [[[(game.start, game.start)] * MEMORY for _ in range(n)] for _ in range(n_lanes)]
    answers = [[] for _ in range(n_lanes)]
    for _ in range(game.n_interactions):
        pairs = [list(part) for part in drawn(rng, n_lanes, n, neighbours)]
        here = list(range(n_lanes)) if lanes.protected_L.any() or lanes.avoided_L.any() else []
        for _ in range(1000):
            off = []
            for lane, chance in zip(here, rng.random(len(here)), strict=True):
                low, high = sorted(int(rank[lane, part[lane]]) for part in pairs)
                committed, _, protected, avoided, _ = (column[lane] for column in lanes)
                if low < committed <= high and (high < committed + protected or chance < avoided):
                    off.append(lane)
            here = off
            if not here:
                break
            for part, again in zip(pairs, drawn(rng, len(here), n, neighbours), strict=True):
                for lane, agent in zip(here, again, strict=True):
                    part[lane] = agent
        said = []
        for part in pairs:
            chances = rng.random(n_lanes)
            said.append([])
            for lane, agent in enumerate(part):
                own, other = np.array(memory[lane][agent], dtype=np.int8).T
                second = TRUTH_CHANCES(own[None], other[None])[0, 1]
                name = int(chances[lane] > 1 - second)
                if rank[lane, agent] >= n - lanes.holding_L[lane]:
                    name = game.start
                said[-1].append(game.to if rank[lane, agent] < lanes.committed_L[lane] else name)
        for place, part in enumerate(pairs):
            unseen = rng.random(n_lanes) < lanes.unseen_L if lanes.unseen_L.any() else np.zeros(n_lanes, dtype=bool)
            for lane, agent in enumerate(part):
                if not unseen[lane]:
                    met = (said[place][lane], said[1 - place][lane])
                    memory[lane][agent] = [*memory[lane][agent], met][-MEMORY:]
        for lane, both in enumerate(zip(*said, strict=True)):
            answers[lane].append(sum(name == game.to for name in both))
    found = []
    for counts in answers:
        recent = [counts[max(0, end - 3 * n) : end] for end in range(1, len(counts) + 1)]
        over = [sum(part) > len(part) for part in recent]
        first = next((place for place in range(len(over)) if all(over[place:])), None)
        after = game.n_interactions if first is None else first + 1
        found.append((over[-1], after, sum(recent[-1]) / (2 * len(recent[-1]))))
    return found


CASES = Lanes(
    np.array([0, 1, 2, 2, 2, 2, 4, 3]), np.array([0, 0, 0, 2, 1, 0, 0, 1]), np.array([0, 0, 2, 0, 1, 1, 1, 0]),
    np.array([0, 0.5, 0, 0, 0.3, 0.9, 0.2, 1]), np.array([0, 0, 0, 0, 0.4, 0, 0.2, 1]),
)  # fmt: skip


@pytest.mark.parametrize("neighbours", [None, RING, PAIRS])
@pytest.mark.parametrize("lanes", [CASES, Lanes.of([0, 1, 2, 3, 4])])
@pytest.mark.parametrize("game", [Game(6, 0, 1, 45), Game(6, 1, 0, 12)])
def test_populations_side_by_side_are_each_by_itself(lanes: Lanes, game: Game, neighbours) -> None:
    found = flips_of(Responder(TRUTH_CHANCES, CODES), lanes, game, 3, neighbours)
    expected = one_by_one(lanes, game, neighbours, 3)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == [
        (over, after, pytest.approx(share)) for over, after, share in expected
    ]


def test_lanes_have_the_same_for_all_or_each_its_own() -> None:
    lanes = Lanes.of([1, 2], holding=3, protected=[0, 1], avoided=0.5, unseen=[0, 1])
    assert [column.tolist() for column in lanes] == [[1, 2], [3, 3], [0, 1], [0.5, 0.5], [0, 1]]
    assert [column.dtype for column in lanes] == [np.int64] * 3 + [float] * 2
    assert [column.tolist() for column in Lanes.of([1])] == [[1], [0], [0], [0], [0]]


def matched(rng, n_agents: int, neighbours) -> list[tuple[int, int]]:
    """Who meets whom in a round: on a graph the proposals that come before all others of both agents."""
    if neighbours is None:
        order = rng.permutation(n_agents).tolist()
        half = n_agents // 2
        return list(zip(order[:half], order[half : 2 * half], strict=True))
    linked = [agent for agent in range(n_agents) if len(neighbours.of(agent))]
    places = rng.integers([len(neighbours.of(agent)) for agent in linked])
    proposals = [(agent, int(neighbours.of(agent)[place])) for agent, place in zip(linked, places, strict=True)]
    turns = rng.permutation(len(linked)).tolist()
    first = {agent: min(turn for turn, pair in zip(turns, proposals, strict=True) if agent in pair) for agent in linked}
    return [pair for turn, pair in zip(turns, proposals, strict=True) if all(first[agent] == turn for agent in pair)]


@pytest.mark.parametrize(("n_agents", "neighbours"), [(6, None), (7, None), (6, RING), (6, PAIRS)])
def test_in_rounds_all_choose_and_those_who_meet_remember(n_agents: int, neighbours) -> None:
    codes_A = np.full(n_agents, CODES.full_of(0), dtype=np.int32)
    shares = play_rounds(KNOWN, codes_A, 2, 1, 5, np.random.default_rng(4), neighbours)
    rng, memory, expected = np.random.default_rng(4), [[(0, 0)] * MEMORY for _ in range(n_agents)], []
    for _ in range(5):
        pairs = matched(rng, n_agents, neighbours)
        chances, said = rng.random(n_agents, dtype=np.float32), []
        for agent, past in enumerate(memory):
            own, other = np.array(past, dtype=np.int8).T
            below = np.float32(1 - TRUTH_CHANCES(own[None], other[None])[0, 1])
            said.append(1 if agent < 2 else int(chances[agent] > below))
        for one, two in pairs:
            for agent, partner in ((one, two), (two, one)):
                memory[agent] = [*memory[agent], (said[agent], said[partner])][-MEMORY:]
        expected.append(sum(said) / n_agents)
    assert shares == pytest.approx(expected)
    own_AH, other_AH = CODES.windows_of(codes_A)
    assert [list(zip(*both, strict=True)) for both in zip(own_AH.tolist(), other_AH.tolist(), strict=True)] == memory


# Windows that are too many for a table


def test_windows_reckoned_as_they_occur_are_those_of_the_table() -> None:
    few = WindowCodes(len(NAMES), MEMORY)
    lazy = Responder(TRUTH_CHANCES, few)
    table = lazy.below(np.arange(few.n_windows, dtype=np.int32)).copy()
    lazy._table_UK = None
    lazy._known_U, lazy._below_UK = np.zeros(0, np.int32), np.zeros((0, 1))
    generator = np.random.default_rng(0)
    for _ in range(5):
        asked = generator.integers(few.n_windows, size=30).astype(np.int32)
        np.testing.assert_array_equal(lazy.below(asked), table[asked])


def test_ten_names_and_a_memory_of_five_are_played_without_a_table() -> None:
    codes = WindowCodes(10, 5)
    assert not codes.tabulated
    follower = Responder(lambda own_UH, other_UH: np.eye(10)[other_UH[:, -1]], codes)
    flips = play_pairs(follower, Game(6, 3, 7, 300), Lanes.of(np.full(20, 2)), np.random.default_rng(0))
    assert flips.flipped_L.all()
    assert MeanField.of(follower) is None
    with pytest.raises(UsageError, match="different windows, a table"):
        follower.table_UK  # noqa: B018
