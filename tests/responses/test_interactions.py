"""What an agent saw before each decision, from a table of interactions."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from naming_games import write

from atp_ray.errors import UsageError
from atp_ray.responses.interactions import PLAYERS_FILE, Selection, read_runs, windows

M, Q = 0, 1
ALL = Selection("model", ("converged",), ("M", "Q"))


def table(answers, experiment="converged", run=0, committed=0):
    """Three agents; agents 1 and 2 meet in turn with 3."""
    n = len(answers)
    return {
        "model": ["model"] * n, "experiment": [experiment] * n, "options": ["Q M"] * n, "n_agents": [3] * n,
        "memory": [2] * n, "committed": [committed] * n, "run": [run] * n, "interaction": list(range(1, n + 1)),
        "player_1": [1 + i % 2 for i in range(n)], "player_2": [3] * n,
        "answer_1": [pair[0] for pair in answers], "answer_2": [pair[1] for pair in answers],
        "source_file": ["games"] * n,
    }  # fmt: skip


def test_a_window_has_the_last_interactions_of_the_agent_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "i.parquet", table(["MQ", "QQ", "MM", "QM"]))
    found = windows(read_runs(path, ALL))
    # Agent 3, the second of every pair, decides for the fourth time: it remembers the second and the third.
    assert found.own_DH[-1].tolist() == [Q, M]
    assert found.other_DH[-1].tolist() == [Q, M]
    assert found.chosen_D[-1] == M
    # Agent 2 decides for the second time: one place of its memory is still empty.
    assert found.own_DH[-2].tolist() == [-1, Q]
    assert found.other_DH[-2].tolist() == [-1, Q]
    assert found.chosen_D.tolist() == [M, Q, Q, Q, M, M, Q, M]


def test_the_order_is_that_of_the_interactions_not_of_the_rows(tmp_path: Path) -> None:
    rows = pa.table(table(["MQ", "QQ", "MM", "QM"]))
    for name, shuffled in (("a", rows), ("b", rows.take([2, 0, 3, 1]))):
        pq.write_table(shuffled, tmp_path / f"{name}.parquet")
    first, second = (windows(read_runs(tmp_path / f"{name}.parquet", ALL)) for name in "ab")
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)


def test_committed_agents_are_seen_but_not_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "i.parquet", table(["MQ", "QQ", "MM"], committed=1))
    found = windows(read_runs(path, ALL))
    assert found.chosen_D.tolist() == [Q, Q, Q, M]
    assert found.other_DH[-1].tolist() == [M, Q]


def test_a_start_that_nobody_knows_is_waited_for(tmp_path: Path) -> None:
    path = write(tmp_path / "i.parquet", table(["MQ", "QQ", "MM", "QM"], experiment="evolved"))
    found = windows(read_runs(path, ALL._replace(experiments=("evolved",))))
    assert found.chosen_D.tolist() == [M, M]  # the third and fourth of agent 3
    assert (found.own_DH >= 0).all()


def test_players_beside_the_table_say_how_it_began_and_who_is_committed(tmp_path: Path) -> None:
    path = write(tmp_path / "i.parquet", table(["MQ", "QQ"], experiment="evolved"))
    players = {
        "source_file": ["games"] * 3, "run": [0] * 3, "player": [3, 1, 2], "committed": [False, True, False],
        "initial_own": [["Q", "Q"]] * 3, "initial_partner": [["M", "Q"]] * 3,
    }  # fmt: skip
    pq.write_table(pa.table(players), tmp_path / PLAYERS_FILE)
    found = windows(read_runs(path, ALL._replace(experiments=("evolved",))))
    assert found.chosen_D.tolist() == [Q, Q, Q]
    assert found.own_DH.tolist() == [[Q, Q], [Q, Q], [Q, Q]]
    assert found.other_DH.tolist() == [[M, Q], [M, Q], [Q, M]]


def test_an_answer_that_is_no_name_is_neither_a_decision_nor_remembered(tmp_path: Path) -> None:
    path = write(tmp_path / "i.parquet", table([("M", "Q"), ("Q", "?"), ("M", "M")]))
    found = windows(read_runs(path, ALL))
    assert found.chosen_D.tolist() == [M, Q, Q, M, M]
    assert found.own_DH[-1].tolist() == [-1, Q]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "mode"}, "no interactions with model mode. Did you mean 'model'?"),
        ({"experiments": ("swap",)}, "no interactions with experiment swap. Known: converged"),
        ({"names": ("M", "Z")}, "no interactions with the names M,Z. It has Q,M"),
        ({"n_agents": 24}, "no interactions with n_agents 24. It has 3"),
        ({"memory": 5}, "no interactions with memory 5. It has 2"),
    ],
)
def test_a_selection_that_leaves_nothing_says_what_there_is(tmp_path: Path, change, message) -> None:
    path = write(tmp_path / "i.parquet", table(["MQ"]))
    with pytest.raises(UsageError, match=message):
        read_runs(path, ALL._replace(**change))


def test_a_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"model": ["model"]}), tmp_path / "i.parquet")
    with pytest.raises(UsageError, match="has no column experiment, options"):
        read_runs(tmp_path / "i.parquet", ALL)
    with pytest.raises(UsageError, match="does not exist"):
        read_runs(tmp_path / "nothing.parquet", ALL)
