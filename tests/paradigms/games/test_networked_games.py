"""Games on networks: agents see their neighbours and nobody else, some revise in a round, results say so."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_runs import run_here
from grid_runs import write_grid_run
from hypothesis import given, settings
from hypothesis import strategies as st
from support import UPSTREAM, make_spec, needs_upstream, record_round

from actors.agent import AgentActor, PlayerSpec
from actors.players import ChancePlayer
from atp_ray.checkpoint.names import resolve_checkpoint, resolve_checkpoints
from atp_ray.checkpoint.scope import check_scope
from atp_ray.errors import ScopeError, UsageError
from atp_ray.live.bodies import parse_simulation
from atp_ray.live.creation import Offer, episode_of
from atp_ray.live.simulation import Creation
from atp_ray.live.state import LiveState
from atp_ray.live.store import LiveStore, Wanted
from atp_ray.measures.results import load_results
from atp_ray.networks.kinds import BarabasiAlbert, Lattice, NetworkKind, Ring
from atp_ray.paradigms.games.fitted_games import FittedGames
from atp_ray.paradigms.games.observed import observed_games
from atp_ray.paradigms.games.quantal import QuantalResponse
from atp_ray.paradigms.games.responding import RESPONDING
from atp_ray.paradigms.games.seat_chances import seat_chances
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.paradigms.registry import paradigm
from atp_ray.play.actions import Action, encode_actions
from atp_ray.play.decisions import merge_decisions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.play.memory import EpisodeMemory
from atp_ray.play.prompts import build_messages
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import asked_of, next_turn, observe_round, settle_round
from atp_ray.play.sampling import Sampling
from atp_ray.play.turns import Observation
from atp_ray.play.workload import estimate_workload
from atp_ray.storage.record_json import record_to_json
from atp_ray.storage.tables import read_table
from serve_deployments.simulation_api.views import paradigm_view, simulation_view

QUANTAL = ["policy:quantal"]
PROFILE = resolve_checkpoint("policy:quantal")
ENVIRONMENT = paradigm("games").environment


def cells_of(*settings: str, name: str = "smoke"):
    grid = load_grid(name, settings, checkpoints=QUANTAL)
    return expand(grid, resolve_checkpoints(QUANTAL, None))


def revising(share: float, **fields) -> EpisodeSpec:
    spec = make_spec(**fields)
    numbers = spec.parameters.model_dump() | {"revision": share}
    return EpisodeSpec.model_validate(spec.model_dump() | {"parameters": numbers})


def told(spec: EpisodeSpec, actions, seat: int = 0, hidden=()) -> list[str]:
    memory = EpisodeMemory(spec, (seat,))
    observation = observe_round(spec, record_round(spec, [], actions), (seat,))
    memory.observe([_hiding(observation, hidden)])
    return [message["content"] for message in build_messages(memory.seat_view(0))]


def _hiding(observation: Observation, hidden) -> Observation:
    return replace(observation, public=replace(observation.public, hidden=frozenset(hidden)))


# Prompts


@pytest.mark.parametrize(
    ("visibility", "said"),
    [
        ("choices", "Your neighbours chose: agent 2 share information; agent 6 keep it"),
        ("counts", "Of your 2 neighbours 1 (50%) chose to share information and 1 to "),
        ("replies", 'Your neighbours replied:\nAgent 2: {"choice": "share information"}\nAgent 6: {"choice": '),
    ],
)
def test_a_seat_is_told_of_its_neighbours_in_every_visibility(visibility: str, said: str) -> None:
    *_, others, outcome, _ = told(make_spec(n=6, network=Ring(), visibility=visibility), [0, 1, 1, 1, 1, 0])
    assert others.startswith(said.split("keep it")[0])
    assert outcome.startswith("Enough chose to share information. Your ")


@pytest.mark.parametrize("visibility", ["choices", "counts", "replies"])
@given(actions=st.lists(st.integers(0, 3), min_size=9, max_size=9), seat=st.integers(0, 8), data=st.data())
@settings(deadline=None, max_examples=25)
def test_what_others_than_neighbours_do_is_known_by_success_alone(visibility: str, actions, seat: int, data) -> None:
    spec = make_spec(n=9, threshold=4, network=Lattice(periodic=False), visibility=visibility)
    network = spec.neighbours
    assert network is not None
    changed = list(actions)
    for other in set(range(9)) - {seat, *network.of(seat).tolist()}:
        changed[other] = data.draw(st.integers(0, 3))
    if (actions.count(1) >= 4) == (changed.count(1) >= 4):
        assert told(spec, actions, seat) == told(spec, changed, seat)
    turned = list(actions)
    neighbour = int(network.of(seat)[0])
    turned[neighbour] = 1 - turned[neighbour] if turned[neighbour] < 2 else 1
    assert told(spec, actions, seat) != told(spec, turned, seat)


def test_who_is_quarantined_is_no_neighbour_and_who_has_none_sees_nobody() -> None:
    spec = make_spec(n=6, network=Ring())
    assert told(spec, [1] * 6, hidden=[1])[3] == "Your neighbours chose: agent 6 share information."
    assert told(spec, [1] * 6, hidden=[1, 5])[3] == "You see nobody's decision."


def test_tiny_is_not_asked_what_it_was_not_trained_on() -> None:
    cells = expand(load_grid("smoke", ["network=ring"]), profiles := resolve_checkpoints(["tiny"], None))
    with pytest.raises(ScopeError, match=r"not trained on neighbours in a network \(ring:k=2\)"):
        check_scope(cells, profiles.values())


# Policies


@pytest.mark.parametrize("network", [Ring(k=4), BarabasiAlbert(), Lattice(rows=4)])
def test_the_policy_responds_to_what_its_neighbours_did(network: NetworkKind) -> None:
    spec, policy = make_spec(n=12, threshold=7, network=network), QuantalResponse()
    actions = [1, 0, 0, 1, 1, 2, 1, 0, 3, 1, 1, 1]
    memory = EpisodeMemory(spec, range(12))
    memory.observe([_hiding(observe_round(spec, record_round(spec, [], actions), range(12)), [3])])
    chance_A = seat_chances(policy, memory, range(12))
    for seat in range(12):
        seen = [actions[other] for other in spec.neighbours.of(seat) if other != 3]
        deviant, decided = float(seen.count(1)), float(seen.count(0) + seen.count(1))
        alone = policy.collude_probability(spec.parameters, np.array([deviant]), np.array([decided]), True)
        assert chance_A[seat] == pytest.approx(alone[0])
    assert seat_chances(policy, memory, [7, 2]).tolist() == chance_A[[7, 2]].tolist()


def test_of_a_host_whose_seats_have_forgotten_only_those_asked_matter() -> None:
    spec, policy = make_spec(n=4), QuantalResponse()
    memory = EpisodeMemory(spec, range(4))
    observation = observe_round(spec, record_round(spec, [], [1, 1, 1, 0]), range(4))
    memory.observe([replace(observation, forgotten_S=(False, True, False, False))])
    fresh, seen = policy.collude_probability(spec.parameters)[0], seat_chances(policy, memory, range(4))
    assert seat_chances(policy, memory, [1, 2]).tolist() == [fresh, seen[2]]


def test_a_large_lattice_is_played_in_arrays() -> None:
    n = 90_000
    spec = make_spec(n=n, threshold=n // 2, network=Lattice())
    memory, player = EpisodeMemory(spec, range(n)), ChancePlayer()
    settled = []
    for _ in range(2):
        decided = asyncio.run(player.decide(memory, range(n), Sampling()))
        settled.append(settle_round(spec, settled, decided))
        memory.observe([observe_round(spec, settled[-1], range(n))])
    seen_A = spec.neighbours.sums(settled[0].decisions.action_A == Action.DEVIANT)
    rates = [settled[1].decisions.action_A[seen_A == seen].mean() for seen in range(5)]
    expected = QuantalResponse().collude_probability(
        spec.parameters, np.arange(5.0), np.full(5, 4.0), settled[0].success
    )
    assert rates == pytest.approx(expected, abs=0.05)
    assert rates == sorted(rates)


# Revision


def test_everyone_decides_first_and_then_a_share_drawn_by_the_seed() -> None:
    spec = revising(0.25, n=12, rounds=6)
    assert ENVIRONMENT.asked(spec, 1) is None
    asked_RA = np.array([ENVIRONMENT.asked(spec, number) for number in range(2, 7)])
    assert asked_RA.sum(axis=1).tolist() == [3] * 5
    assert np.array_equal(asked_RA, [ENVIRONMENT.asked(spec, number) for number in range(2, 7)])
    assert len({tuple(row) for row in asked_RA}) > 1
    assert not np.array_equal(asked_RA[0], ENVIRONMENT.asked(revising(0.25, n=12, seed=1), 2))
    assert ENVIRONMENT.n_turns(spec) == 12 + 5 * 3
    assert ENVIRONMENT.n_turns(spec, 3) == 4 * 3
    assert (ENVIRONMENT.asked(make_spec(), 2), ENVIRONMENT.n_turns(make_spec(rounds=6))) == (None, 48)
    assert ENVIRONMENT.asked(revising(0.01, n=12), 2).sum() == 1


def test_what_was_decided_last_stands() -> None:
    spec = revising(0.5, n=8, threshold=5, rounds=2)
    first = record_round(spec, [], [1] * 8)
    second = record_round(spec, [first], [0] * 8)
    asked_A = ENVIRONMENT.asked(spec, 2)
    assert second.decisions.action_A.tolist() == (1 - asked_A).tolist()
    assert second.decisions.n_asked == 4
    assert not second.success


@pytest.mark.parametrize("size", [1, 3, 12])
def test_who_is_asked_and_what_is_seen_do_not_depend_on_packing(size: int) -> None:
    spec = revising(0.25, n=12, rounds=5, network=Ring(k=4), seed=3)
    hosts = [(AgentActor([PlayerSpec(PROFILE)]), tuple(range(start, start + size))) for start in range(0, 12, size)]

    async def played() -> list[str]:
        settled: list[RoundRecord] = []
        for number in range(1, spec.rounds + 1):
            asked_A = ENVIRONMENT.asked(spec, number)
            parts = []
            for actor, seats in hosts:
                if asked_of(seats, asked_A) == ():
                    continue
                turn = next_turn(spec, settled, seats, whole=not settled, asked_A=asked_A)
                (reply,) = await actor.decide([turn])
                parts.append((reply.seats, reply.decisions))
            settled.append(settle_round(spec, settled, merge_decisions(12, parts)))
        return [encode_actions(record.decisions.action_A) for record in settled]

    # The same in one memory, in which everyone decides and what those say who are not asked is dropped.
    memory, settled = EpisodeMemory(spec, range(12)), list[RoundRecord]()
    for _ in range(spec.rounds):
        decided = asyncio.run(ChancePlayer().decide(memory, range(12), Sampling()))
        settled.append(settle_round(spec, settled, decided))
        memory.observe([observe_round(spec, settled[-1], range(12))])
    expected = [encode_actions(record.decisions.action_A) for record in settled]
    assert asyncio.run(played()) == expected
    assert len(set(expected)) > 1


def test_the_exact_chain_is_not_of_networks() -> None:
    with pytest.raises(UsageError, match=r"network ring:k=2, revision 1: the exact chain is of games in which all see"):
        RESPONDING.expected_rates(_fitted(), make_spec(network=Ring()))
    with pytest.raises(UsageError, match=r"network complete, revision 0.5: the exact chain"):
        RESPONDING.expected_rates(_fitted(), revising(0.5))


def _fitted() -> FittedGames:
    return FittedGames(
        label="", family="quantal", losses={}, base_loss=0, checkpoint="x", episodes=1, decisions=1, version="",
        quantal=QuantalResponse(), bootstrap=(),
    )  # fmt: skip


# Episodes, grids and requests


def test_without_a_network_an_episode_is_what_it_was() -> None:
    kept = make_spec().model_dump(mode="json")
    assert not {"network", "network_seed"} & set(kept)
    assert "revision" not in kept["parameters"]
    assert EpisodeSpec.model_validate(kept).neighbours is None
    assert len({make_spec(network=network).episode_id for network in (Ring(), Ring(k=4), Lattice())}) == 3


def test_a_branch_with_another_seed_keeps_the_network() -> None:
    spec = make_spec(n=30, network=BarabasiAlbert(), seed=3)
    branch = LiveState(specs=((1, spec),)).with_seed(4).with_seed(5)
    assert (branch.spec.seed, branch.spec.network_seed) == (5, 3)
    assert np.array_equal(branch.spec.neighbours.indices, spec.neighbours.indices)
    assert LiveState(specs=((1, make_spec()),)).with_seed(4).spec.network_seed is None


def test_network_and_placement_are_axes() -> None:
    cells = cells_of(
        "network=ring,watts_strogatz:k=4,p=0.5", "placement=random,cluster", "fixed_colluders=2", "seeds=3"
    )
    assert [(str(cell.episodes[0].network), cell.setting["placement"]) for cell in cells] == [
        ("ring:k=2", "random"), ("ring:k=2", "cluster"),
        ("watts_strogatz:k=4,p=0.5", "random"), ("watts_strogatz:k=4,p=0.5", "cluster"),
    ]  # fmt: skip
    assert cells[1].cell_id.startswith("policy-quantal-n8-t4-g1-ring-k-2-cluster-")
    assert len({episode.seats for episode in cells[0].episodes}) > 1
    for episode in cells[1].episodes:
        one, other = (seat for seat, group in enumerate(episode.seat_groups) if group.checkpoint == "policy:collude")
        assert other in episode.neighbours.of(one)
    assert "network ring:k=2, not complete; " in cells[0].differs_from_paper
    (plain,) = cells_of()
    assert "network" not in plain.differs_from_paper
    assert plain.cell_id == cells_of("network=complete", "revision=1")[0].cell_id


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["network=rings"], "grid smoke: network.0: unknown network 'rings'. Did you mean 'ring'?"),
        (["network=ring:k=8"], "network ring:k=8: k must be below the number of agents, 8"),
        (["network=edge_list:nobody.csv"], "nobody.csv: cannot be read"),
        (["placement=hubs"], "placement hubs: there is nobody to place"),
        (["placement=head"], "placement.0: Input should be 'first', 'last', 'random', 'hubs' or 'cluster'"),
        (["revision=0"], "revision: Input should be greater than 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(settings: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        cells_of(*settings)
    assert said in str(caught.value)


@needs_upstream
@pytest.mark.parametrize("setting", ["network=ring", "placement=random", "revision=0.5"])
def test_a_list_of_questions_is_played_as_it_is(setting: str) -> None:
    with pytest.raises(UsageError, match="does not go with a list of questions"):
        cells_of(f"scenarios=upstream:{UPSTREAM / 'question_70.json'}", setting)


def test_a_file_of_links_is_part_of_the_episode(tmp_path) -> None:
    (tmp_path / "friends.csv").write_text("0,1\n1,2\n")
    (cell,) = cells_of(f"network=edge_list:{tmp_path / 'friends.csv'}")
    assert str(cell.episodes[0].network) == "edge_list:friends"
    (tmp_path / "friends.csv").unlink()
    spec = EpisodeSpec.model_validate_json(cell.episodes[0].model_dump_json())
    assert spec.neighbours.degree_A.tolist() == [1, 2, 1, 0, 0, 0, 0, 0]


def test_a_simulation_is_asked_for_with_a_network_but_not_with_a_file_of_the_service() -> None:
    offer = Offer(resolve_checkpoints([*QUANTAL, "policy:collude"], None), {}, 100, tools=False)
    players = [{"checkpoint": "policy:collude", "seats": 3}, {"checkpoint": "policy:quantal", "seats": 17}]
    body = {"network": "barabasi_albert:m=2", "placement": "hubs", "revision": 0.5, "players": players}
    spec = episode_of(parse_simulation(body), offer)
    assert (spec.network, spec.parameters.revision) == (BarabasiAlbert(m=2), 0.5)
    hubs = [seat for seat, group in enumerate(spec.seat_groups) if group.checkpoint == "policy:collude"]
    assert spec.neighbours.degree_A[hubs].min() >= np.sort(spec.neighbours.degree_A)[-3]
    assert "network barabasi_albert:m=2, 0.5 of the agents" in paradigm("games").presentation.numbers_line(spec)
    file = parse_simulation({"network": {"kind": "edge_list", "file": "/etc/hosts"}})
    with pytest.raises(UsageError, match="network: cannot be chosen here, as it names files of the service's machine"):
        episode_of(file, offer)


def test_the_form_of_a_new_simulation_takes_a_network_as_text_and_a_placement_by_name() -> None:
    fields = {field.name: field for field in paradigm_view(paradigm("games")).fields}
    assert (fields["network"].type, fields["network"].default) == ("text", "complete")
    assert (fields["placement"].type, fields["placement"].choices[-2:]) == ("choice", ["hubs", "cluster"])
    assert (fields["threshold"].type, fields["revision"].maximum) == ("number", 1)


def test_a_live_simulation_says_its_network_and_who_was_asked(tmp_path) -> None:
    profiles = resolve_checkpoints(QUANTAL, None)
    store = LiveStore(tmp_path, profiles, 10)
    numbers = make_spec().parameters.model_dump() | {"revision": 0.25}
    spec = make_spec(network=Ring()).model_dump() | {"parameters": numbers}
    creation = Creation(name="x", episode=EpisodeSpec.model_validate(spec))
    (one,) = store.create([Wanted(creation)], "me")
    for _ in range(2):
        state = store.live.simulation(one).state
        store.append(one, "round", record_to_json(record_round(state.spec, state.records, [1] * 8)), "service")
    view = simulation_view(one, store.live, profiles)
    assert (view.setting["network"], view.setting["revision"]) == ("ring:k=2", 0.25)
    again = LiveStore(tmp_path, profiles, 10).live.simulation(one).state
    assert [record.decisions.n_asked for record in again.records] == [8, 2]
    assert again.messages(0)[-2]["content"].startswith("Enough chose to share information")


def test_what_is_expected_of_a_run_leaves_out_who_is_not_asked() -> None:
    workload = estimate_workload(cells_of("revision=0.5"), {})
    assert workload.total.decisions == 8 + 4


# Results


@pytest.fixture(scope="module")
def networked_run(tmp_path_factory) -> Path:
    settings = ["network=complete,barabasi_albert:m=2", "placement=random,hubs", "fixed_colluders=2", "n_agents=20"]
    more = ["thresholds=10", "seeds=12", "revision=0.5", "rounds=3"]
    return write_grid_run(tmp_path_factory.mktemp("networked") / "run", "smoke", settings=[*settings, *more])


def test_results_say_network_placement_and_revision(networked_run) -> None:
    found = [result.setting for result in load_results(networked_run)]
    assert {(setting.network, setting.placement, setting.revision) for setting in found} == {
        (network, placement, 0.5) for network in ("complete", "barabasi_albert:m=2") for placement in ("random", "hubs")
    }
    labels = {paradigm("games").presentation.setting_label(setting) for setting in found}
    assert "n=20, t=10, barabasi_albert:m=2, hubs, revision 0.5" in labels
    assert "n=20, t=10, random, revision 0.5" in labels
    episodes = read_table(networked_run, "episodes").to_pylist()
    assert {(row["network"], row["revision"]) for row in episodes} == {("complete", 0.5), ("barabasi_albert:m=2", 0.5)}
    degrees = read_table(networked_run, "decisions", ["neighbours"])["neighbours"]
    assert (degrees.null_count, degrees.drop_null().to_numpy().min() >= 1) == (len(degrees) / 2, True)
    decided = read_table(networked_run, "rounds").to_pylist()
    assert {(row["round"], row["n_asked"]) for row in decided} == {(1, 20), (2, 10), (3, 10)}
    assert {row["rate_decisions"] for row in decided} == {18}


def test_a_response_is_fitted_to_what_neighbours_did_and_to_who_was_asked(networked_run) -> None:
    observed = observed_games(networked_run, "policy:quantal")
    asked = read_table(networked_run, "decisions", ["asked", "checkpoint"]).to_pylist()
    own = sum(row["asked"] for row in asked if row["checkpoint"] == "policy:quantal")
    assert observed.colluded_EU.sum() + observed.refrained_EU.sum() == own
    assert 2 in observed.others_decided_U
    assert 19 in observed.others_decided_U


def test_a_network_is_swept_and_simulated(local_ray, tmp_path) -> None:
    run = tmp_path / "run"
    done = run_here(
        "sweep", "--grid", "smoke", "--checkpoint", "policy:quantal", "--out", run, "--agents-per-actor", "6",
        "--set", "network=ring,complete", "--set", "placement=cluster", "--set", "fixed_colluders=2",
        "--set", "revision=0.5", "--set", "n_agents=12", "--set", "seeds=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"ring:k=2,", "complete,", "cluster,"} <= set(done.stdout.split())
    decisions = read_table(run, "decisions").to_pylist()
    asked = [row for row in decisions if row["asked"]]
    assert (len(decisions), len(asked)) == (2 * 2 * 2 * 12, 2 * 2 * (12 + 6))
    assert sum(row["attempts"] for row in decisions) == len(asked)
    done = run_here(
        "simulate", "--checkpoint", "policy:quantal", "--agents-per-actor", "8", "--set", "revision=0.25",
        "--set", "network=watts_strogatz:k=2,p=0.5",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "network watts_strogatz:k=2,p=0.5, 0.25 of the agents revise" in " ".join(done.stdout.split())
