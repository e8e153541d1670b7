"""A run of naming games as interactions: who met whom, in which order, what both said, and what they began with."""

from pathlib import Path

import numpy as np
import pytest
from naming_play import naming_spec, settle_all
from support import make_cell

from atp_ray.errors import UsageError
from atp_ray.paradigms.conventions.pairing import partners_of
from atp_ray.paradigms.conventions.run_interactions import run_interactions
from atp_ray.play.episodes import EpisodeSpec
from atp_ray.responses.interactions import EMPTY, Run
from atp_ray.storage.tables import write_cell

NAME, NAMES, ROUNDS = "policy:quantal", "M,Q,X", 4


def write(folder: Path, **asked) -> tuple[EpisodeSpec, list[list[int]]]:
    """Write an episode in which five seats say anything, some of it unreadable; return what they said by round."""
    spec = naming_spec(n_agents=5, names=NAMES, rounds=ROUNDS, **asked)
    said = np.random.default_rng(spec.seed).integers(-1, 3, size=(ROUNDS, 5)).tolist()
    write_cell(folder, make_cell(spec, cell_id=f"cell{spec.seed}"), {spec.episode_id: settle_all(spec, said)})
    return spec, said


def defined(spec: EpisodeSpec, said: list[list[int]], begun: int | None, committed: set[int]) -> Run:
    place = [NAMES.split(",").index(option) for option in spec.scenario.options] + [EMPTY]
    pairs = [
        (number, seat, int(partner))
        for number in range(1, ROUNDS + 1)
        for seat, partner in enumerate(partners_of(spec, number))
        if seat < partner
    ]
    players = np.array([pair[1:] for pair in pairs])
    answers = np.array([[place[said[number - 1][seat]] for seat in pair] for number, *pair in pairs])
    start = ((begun,) * 3 if begun is not None else (),) * 5
    return Run(5, 3, players, answers, frozenset(committed), start, start)


def test_each_episode_is_one_population_in_the_order_of_its_meetings(tmp_path) -> None:
    played = [
        (*write(tmp_path, history_window=3, seed=1, committed=2, established="X"), 2, {0, 1}),
        (*write(tmp_path, history_window=3, seed=2), None, set()),
    ]
    found = run_interactions(tmp_path, NAME)
    assert found.names == ("M", "Q", "X")
    for run, given in zip(found.runs, played, strict=True):
        expected = defined(*given)
        assert run.players_I2.tolist() == expected.players_I2.tolist()
        assert run.answers_I2.tolist() == expected.answers_I2.tolist()
        assert (run.players_I2.dtype, run.answers_I2.dtype) == (np.int32, np.int8)
        assert run[:2] + run[4:] == expected[:2] + expected[4:]
    assert any(EMPTY in run.answers_I2 for run in found.runs)


def test_episodes_in_which_only_others_play_are_left_out(tmp_path) -> None:
    write(tmp_path, history_window=3, seed=1)
    spec = naming_spec("policy:refrain", names=NAMES, rounds=1, history_window=5)
    write_cell(tmp_path, make_cell(spec, cell_id="others"), {spec.episode_id: settle_all(spec, [[0, 1, 1, 0]])})
    assert len(run_interactions(tmp_path, NAME).runs) == 1
    with pytest.raises(UsageError) as refused:
        run_interactions(tmp_path, "tiny")
    assert str(refused.value) == f"{tmp_path}: has no decisions of tiny. It has policy:quantal, policy:refrain"


def test_a_fit_needs_one_memory(tmp_path) -> None:
    write(tmp_path, history_window=3, seed=1)
    write(tmp_path, history_window=5, seed=2)
    with pytest.raises(UsageError) as refused:
        run_interactions(tmp_path, NAME)
    assert str(refused.value) == (
        f"{tmp_path}: has episodes with several values of history_window: 3; 5. Fit a run with one of them"
    )
