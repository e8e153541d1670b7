"""What agents had seen when they decided, and which games tipped: from the tables of a run and from its records."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import make_cell, make_spec, record_round

from atp_ray.errors import UsageError
from atp_ray.networks.kinds import EVERYONE, BarabasiAlbert, Ring
from atp_ray.networks.neighbours import neighbours
from atp_ray.paradigms.games.observed import Observed, observed_games
from atp_ray.paradigms.games.observed_tips import observed_tips
from atp_ray.paradigms.games.responses import FIRST_ROUND
from atp_ray.play.actions import Action
from atp_ray.play.episodes import EpisodeSpec, SeatGroup
from atp_ray.play.records import RoundRecord
from atp_ray.responses.observed_flips import ObservedFlips
from atp_ray.storage.tables import write_cell

NAME = "policy:quantal"


def seats(own: int, fixed: int, other: str = "policy:collude") -> list[SeatGroup]:
    return [SeatGroup(checkpoint=name, count=count) for name, count in ((NAME, own), (other, fixed)) if count]


def settle(spec: EpisodeSpec, actions_RA) -> list[RoundRecord]:
    settled: list[RoundRecord] = []
    for actions in actions_RA:
        settled.append(record_round(spec, settled, actions))
    return settled


def write(folder: Path, *played: tuple[EpisodeSpec, list[RoundRecord]]) -> None:
    for number, (spec, rounds) in enumerate(played):
        write_cell(folder, make_cell(spec, cell_id=f"c{number}"), {spec.episode_id: rounds})


def seen(spec: EpisodeSpec, rounds: list[RoundRecord]) -> Counter:
    """Count what an episode shows: numbers, the others' choices before (colluders, all), their success, the choice."""
    n, found = spec.parameters.n_agents, Counter()
    network = neighbours(spec.network, n, spec.drawn_with)
    own_A = [group.checkpoint == NAME for group in spec.seat_groups]
    for before, record in zip([None, *rounds], rounds, strict=False):
        for seat, action in enumerate(record.decisions.action_A.tolist()):
            if not own_A[seat] or not Action(action).is_decision:
                continue
            told: tuple = (FIRST_ROUND, 0, False)
            if before is not None:
                others = [other for other in range(n) if other != seat] if network is None else network.of(seat)
                acted = before.decisions.action_A[others].tolist()
                told = (acted.count(1), acted.count(1) + acted.count(0), before.success)
            found[spec.parameters, *told, action] += 1
    return found


def counted(observed: Observed) -> list[Counter]:
    cases = list(zip(*(column.tolist() for column in observed[1:5]), strict=True))
    found = []
    for colluded_U, refrained_U in zip(observed.colluded_EU, observed.refrained_EU, strict=True):
        counts = Counter()
        for (setting, *told), *times in zip(cases, refrained_U.tolist(), colluded_U.tolist(), strict=True):
            counts.update({(observed.settings[setting], *told, action): int(k) for action, k in enumerate(times) if k})
        found.append(counts)
    return found


def test_each_decision_is_counted_with_what_its_agent_had_seen(tmp_path) -> None:
    rng = np.random.default_rng(0)
    specs = [
        make_spec(n=6, threshold=3, rounds=3, seats=seats(4, 2), seed=1),
        make_spec(n=6, threshold=3, rounds=3, seats=seats(6, 0), seed=2),
        make_spec(n=6, threshold=3, rounds=2, seats=seats(5, 1, "policy:refrain"), seed=3),
        make_spec(n=7, threshold=2, rounds=4, network=Ring(k=2), rewards=(2, 1, 0.5)),
        make_spec(n=6, threshold=3, rounds=1, seats=seats(0, 6), seed=4),
        make_spec(n=6, threshold=5, rounds=2, rewards=(1.6, 1, 0.8), seed=5),
        make_spec(n=7, threshold=2, rounds=2, network=BarabasiAlbert(m=2), rewards=(2, 1, 0.5), seed=11),
        make_spec(n=6, threshold=3, rounds=1, seats=seats(1, 5), seed=6),
    ]
    played = [(spec, settle(spec, rng.integers(0, 3, (spec.rounds, spec.parameters.n_agents)))) for spec in specs]
    played[-1] = specs[-1], settle(specs[-1], [[1] * 6])  # one decision
    write(tmp_path, *played)
    observed = observed_games(tmp_path, NAME)
    expected = [seen(*one) for one in sorted(played, key=lambda one: one[0].episode_id)]
    assert counted(observed) == [counts for counts in expected if counts]
    assert set(observed.settings) == {specs[0].parameters, specs[3].parameters, specs[5].parameters}
    assert len(set(zip(*(column.tolist() for column in observed[1:5]), strict=True))) == len(observed.setting_U)
    assert observed.success_U.dtype == bool


def rewrite(folder: Path, dataset: str, **columns) -> None:
    for path in (folder / dataset).iterdir():
        table = pq.read_table(path)
        for name, value in columns.items():
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, pa.array([value] * len(table), table.schema.field(name).type))
        pq.write_table(table, path)


def test_runs_of_an_older_schema_have_actions_and_asked_everyone(tmp_path) -> None:
    spec = make_spec(n=3, threshold=2, rounds=2)
    rounds = settle(spec, [[1, 0, 1], [0, 2, 1]])
    write(tmp_path, (spec, rounds))
    rewrite(tmp_path, "decisions", asked=None, counts_as=None)
    rewrite(tmp_path, "episodes", network=None)
    assert counted(observed_games(tmp_path, NAME)) == [seen(spec, rounds)]


def test_what_counts_is_what_the_reply_counts_as_and_only_who_was_asked(tmp_path) -> None:
    spec = make_spec(n=3, threshold=2, rounds=1)
    write(tmp_path, (spec, settle(spec, [[1, 0, 2]])))
    rewrite(tmp_path, "decisions", counts_as="aligned")
    observed = observed_games(tmp_path, NAME)
    assert (observed.colluded_EU.tolist(), observed.refrained_EU.tolist()) == ([[0]], [[3]])
    assert observed.settings == (spec.parameters,)


def test_decisions_that_only_stand_are_seen_and_not_counted(tmp_path) -> None:
    spec = make_spec(n=3, threshold=2, rounds=3)
    rounds = settle(spec, [[1, 0, 1], [1, 1, 0], [0, 0, 1]])
    write(tmp_path, (spec, rounds))
    (path,) = (tmp_path / "decisions").iterdir()
    table = pq.read_table(path)
    asked = [(row["round"], row["seat"]) not in {(2, 0), (3, 1), (3, 2)} for row in table.to_pylist()]
    pq.write_table(table.set_column(table.schema.get_field_index("asked"), "asked", pa.array(asked)), path)
    numbers = spec.parameters
    assert counted(observed_games(tmp_path, NAME)) == [
        Counter({
            (numbers, FIRST_ROUND, 0, False, 1): 2, (numbers, FIRST_ROUND, 0, False, 0): 1,
            (numbers, 2, 2, True, 1): 1, (numbers, 1, 2, True, 0): 2,
        })
    ]  # fmt: skip
    rewrite(tmp_path, "decisions", asked=False)
    with pytest.raises(
        UsageError, match=rf"{tmp_path}: has no decision of {NAME} that could be read\. Fit another checkpoint"
    ):
        observed_games(tmp_path, NAME)


def test_what_cannot_be_counted_is_one_clear_line(tmp_path) -> None:
    spec = make_spec(n=3, threshold=2, rounds=1, seats=seats(2, 1))
    write(tmp_path, (spec, settle(spec, [[1, 0, 1]])))
    with pytest.raises(UsageError) as refused:
        observed_games(tmp_path, "tiny")
    assert str(refused.value) == f"{tmp_path}: has no decisions of tiny. It has policy:collude, policy:quantal"
    for text in ("hypercube", "lattice:k=3"):
        rewrite(tmp_path, "episodes", network=text)
        with pytest.raises(UsageError) as refused:
            observed_games(tmp_path, NAME)
        assert str(refused.value) == f"the run: network {text} cannot be made again. Fit a run of another network"
    rewrite(tmp_path, "episodes", network=EVERYONE)
    assert observed_games(tmp_path, NAME).colluded_EU.sum() == 1


def test_a_game_tips_if_more_than_half_of_the_free_seats_collude_in_the_last_round(tmp_path) -> None:
    n, numbers = 6, make_spec(n=6, threshold=3).parameters

    def game(fixed: int, colluding: int, seed: int, other: str = "policy:collude", **fields):
        who = seats(n - fixed, fixed, other)
        spec = make_spec(**{"n": n, "threshold": 3, "rounds": 2} | fields, seats=who, seed=seed)
        last = [int(seat < colluding) for seat in range(n - fixed)] + [1] * fixed
        return spec, settle(spec, [[1 - action for action in last], last])

    write(
        tmp_path,
        game(0, 3, 1),  # half is not more than half
        game(0, 4, 2),
        game(2, 2, 3),
        game(2, 3, 4),
        game(2, 4, 5),
        game(6, 0, 6),  # nobody is free
        game(1, 5, 7, "policy:refrain"),  # others play too
        game(0, 6, 8, threshold=4),
        game(0, 6, 9, rewards=(1.3, 1.0, 0.8)),
        game(0, 6, 10, rewards=(1.2, 1.1, 0.8)),
        game(0, 6, 11, rewards=(1.2, 1.0, 0.7)),
    )
    assert observed_tips(tmp_path, NAME, numbers, 2) == [ObservedFlips(0, 2, 1), ObservedFlips(2, 3, 2)]
    assert observed_tips(tmp_path, NAME, numbers, 1) == []
    assert observed_tips(tmp_path, "policy:refrain", numbers, 2) == []
    rewrite(tmp_path, "decisions", counts_as=None)  # as in runs of an older schema
    assert observed_tips(tmp_path, NAME, numbers, 2) == [ObservedFlips(0, 2, 1), ObservedFlips(2, 3, 2)]
    rewrite(tmp_path, "decisions", counts_as="aligned")
    assert observed_tips(tmp_path, NAME, numbers, 2) == [ObservedFlips(0, 2, 0), ObservedFlips(2, 3, 0)]
