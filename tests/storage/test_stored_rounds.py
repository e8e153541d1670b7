"""Settled rounds read back from Parquet are the ones that were written."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support import make_cell, make_spec, play, record_round, role_play_spec, tool_spec

from atp_ray.play.actions import Action
from atp_ray.play.decisions import TurnFailure
from atp_ray.play.problems import Solution
from atp_ray.play.records import RoundRecord
from atp_ray.play.rounds import settle_round
from atp_ray.storage.stored_rounds import read_rounds
from atp_ray.storage.tables import build_tables, read_table, write_cell


def undecided(spec) -> list[RoundRecord]:
    """Rounds with every kind of action, failures with a colon in them, and the tokens that they took."""
    settled = []
    for number, actions in enumerate(([0, 1, 2, 3], [3, 2, 1, 1]), start=1):
        record = record_round(spec, settled, actions)
        failures = tuple(
            TurnFailure(seat, number, "ModelError", "ValueError: no: reply")
            for seat, action in enumerate(actions)
            if action == Action.MISSING
        )
        spent = np.arange(4) + number
        decisions = record.decisions._replace(
            failures=failures, attempts_A=spent, prompt_tokens_A=10 * spent, completion_tokens_A=spent,
            latency_A=np.array([0.5, np.nan, 1.5, np.nan]),
        )  # fmt: skip
        settled.append(settle_round(spec, settled, decisions))
    return settled


def solving(spec) -> list[RoundRecord]:
    """Rounds with solutions, in the last of which the model never answered the complex problem."""
    settled = []
    for played in spec.parameters.problems:
        used = len(settled) == 1
        solutions = tuple(
            Solution(
                problem.problem_id, problem.difficulty, used, "7", not used, 3.0, "reply", ("ok", "error")[: used * 2]
            )
            for problem in (played.every if len(settled) < 2 else played.simple)
        )
        record = record_round(spec, settled, [Action.ALIGNED if len(settled) < 2 else Action.MISSING])
        settled.append(settle_round(spec, settled, record.decisions._replace(solutions_A=(solutions,))))
    return settled


def cells():
    games = [make_spec(n=4, threshold=2, rounds=2, seed=seed) for seed in range(2)]
    yield make_cell(*games), {spec.episode_id: undecided(spec) for spec in games}
    many = [make_spec(n=12, rounds=11, scenario=name) for name in ("info_sharing", "hunting_game")]
    yield make_cell(*many), {spec.episode_id: play(spec) for spec in many[:1]}
    alone = role_play_spec(rounds=3)
    yield make_cell(alone), {alone.episode_id: [record_round(alone, [], [1])]}
    solved = tool_spec(rounds=3)
    yield make_cell(solved), {solved.episode_id: solving(solved)}


@pytest.mark.parametrize(("cell", "rounds"), cells(), ids=["undecided", "long", "role_play", "tool_usage"])
@pytest.mark.parametrize("together", [False, True])
def test_rounds_come_back_as_they_were_written(cell, rounds, together, tmp_path: Path) -> None:
    write_cell(tmp_path, cell, rounds)
    if together:  # a dataset may be one file
        other = make_cell(make_spec(seed=9), cell_id="other")
        write_cell(tmp_path, other, {other.episodes[0].episode_id: play(other.episodes[0])})
        for name in [path.name for path in tmp_path.iterdir()]:
            table = read_table(tmp_path, name)
            for file in (tmp_path / name).iterdir():
                file.unlink()
            pq.write_table(table, tmp_path / name / "all.parquet")
    found = read_rounds(tmp_path, cell)
    assert list(found)
    assert set(found) == set(rounds)
    before, after = build_tables(cell, rounds), build_tables(cell, found)
    assert {name: table.to_pylist() for name, table in before.items()} == {
        name: table.to_pylist() for name, table in after.items()
    }
