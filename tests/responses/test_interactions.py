"""What an agent saw before each decision, from a table of interactions."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from naming_games import write

from atp_ray.errors import StorageError, UsageError
from atp_ray.responses.interactions import COLUMNS, PLAYERS_FILE, Run, Selection, read_runs, windows

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
        ({"names": ("M", "Z")}, "no interactions with the names M,Z. It has A,B,C, Q,M"),
        ({"n_agents": 24}, "no interactions with n_agents 24. It has 3"),
        ({"memory": 5}, "no interactions with memory 5. It has 2, 3"),
        ({}, "memories of several lengths: [2, 3]. Choose one with --memory"),
    ],
)
def test_a_selection_that_leaves_nothing_says_what_there_is(tmp_path: Path, change, message) -> None:
    others = table(["MQ"]) | {"options": ["A B C"]}
    path = write(tmp_path / "i.parquet", table(["MQ"]), others, table(["QQ"], run=1) | {"memory": [3]})
    with pytest.raises(UsageError) as refused:
        read_runs(path, ALL._replace(**change))
    assert str(refused.value) == f"{path}: {message}"


def test_a_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "i.parquet"
    pq.write_table(pa.table(table(["MQ"])).drop_columns(["options", "run"]), path)
    needs = f"It needs {', '.join(COLUMNS)}"
    for make, message in (
        (lambda: None, f"has no column options, run. {needs}"),
        (path.unlink, "does not exist. Give a Parquet table of interactions"),
    ):
        make()
        with pytest.raises(UsageError) as refused:
            read_runs(path, ALL)
        assert str(refused.value) == f"{path}: {message}"
    path.write_bytes(b"nonsense")
    with pytest.raises(StorageError) as damaged:
        read_runs(path, ALL)
    assert str(damaged.value).startswith(f"{path}: cannot be read as Parquet: ")
    assert "\n" not in str(damaged.value)


def test_a_selection_is_of_one_model_and_its_experiments_lists_and_sizes(tmp_path: Path) -> None:
    tables = [
        table(["MQ", "QQ"]),
        table(["QM"], experiment="swap", committed=2),
        table(["MM"], run=1) | {"options": ["M Q"]},
        table(["MM"]) | {"model": ["another"]},
        table(["MM"]) | {"options": ["M Z"]},
        table(["MM"]) | {"n_agents": [4]},
        table(["MM"]) | {"memory": [1]},
        table(["QQ"]) | {"source_file": ["more"]},
    ]
    path = write(tmp_path / "i.parquet", *tables)
    runs = read_runs(path, Selection("model", ("converged", "swap"), ("M", "Q"), 3, 2))
    found = [(run.answers_I2.tolist(), run.committed, run.own_A) for run in runs]
    empty = ((), (), ())
    assert found == [
        ([[M, Q], [Q, Q]], frozenset(), empty),
        ([[Q, M]], frozenset({0, 1}), None),
        ([[M, M]], frozenset(), empty),
        ([[Q, Q]], frozenset(), empty),
    ]
    first = runs[0]
    assert (first.n_agents, first.memory, first.other_A) == (3, 2, empty)
    assert first.players_I2.tolist() == [[0, 2], [1, 2]]
    assert (first.players_I2.dtype, first.answers_I2.dtype) == (np.int32, np.int8)


def test_a_table_without_committed_agents_or_sources_has_none(tmp_path: Path) -> None:
    path = tmp_path / "i.parquet"
    pq.write_table(pa.table(table(["MQ"], committed=1)).drop_columns(["committed", "source_file"]), path)
    (run,) = read_runs(path, ALL)
    assert run.committed == frozenset()
    players = {
        "source_file": ["", ""], "run": [0, 0], "player": [1, 2], "committed": [True, True],
        "initial_own": [["Q"]] * 2, "initial_partner": [["M"]] * 2,
    }  # fmt: skip
    pq.write_table(pa.table(players), tmp_path / PLAYERS_FILE)
    (run,) = read_runs(path, ALL)
    assert (run.committed, run.own_A) == (frozenset(), ((), (), ()))  # two of three players are not all
    more = {name: [*values, values[-1]] for name, values in players.items()} | {"player": [10, 9, 2]}
    more |= {"initial_own": [None, ["M"], ["Q"]], "committed": [True, False, False]}
    pq.write_table(pa.table(more), tmp_path / PLAYERS_FILE)
    (run,) = read_runs(path, ALL)
    assert (run.committed, run.own_A, run.other_A) == (frozenset({2}), ((Q,), (M,), ()), ((M,), (M,), (M,)))


def test_interactions_that_say_nothing_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "i.parquet", table(["MQ"], experiment="swap"))
    runs = read_runs(path, ALL._replace(experiments=("swap",)))
    with pytest.raises(UsageError) as refused:
        windows(runs)
    assert str(refused.value) == (
        "the interactions: holds no decision whose past is known. Put players.parquet beside them"
    )
    both = windows([*runs, *read_runs(write(tmp_path / "j.parquet", table(["MQ"])), ALL)])
    assert (both.run_D.tolist(), both.run_D.dtype, both.own_DH.dtype) == ([1, 1], np.int32, np.int8)
    half = Run(2, 2, np.array([[0, 1]], np.int32), np.array([[0, 1]], np.int8), frozenset(), None, ((0,), (1,)))
    for begun in (half, half._replace(own_A=((0,), (1,)), other_A=None)):
        with pytest.raises(UsageError, match="no decision whose past is known"):
            windows([begun])
