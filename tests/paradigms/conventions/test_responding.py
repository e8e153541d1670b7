"""Responses to naming games: fitted to a run, played, predicted from, refused where they do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_runs import run_here
from naming_play import naming_spec, play_policy, remembered, write_naming_run

from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.checkpoint.profiles import FittedProfile
from atp_ray.checkpoint.scope import require_fitted_to
from atp_ray.errors import ScopeError, UsageError
from atp_ray.paradigms.conventions.environment import ENVIRONMENT
from atp_ray.paradigms.conventions.responding import RESPONDING
from atp_ray.paradigms.conventions.run_interactions import run_interactions
from atp_ray.paradigms.responding import FitSource
from atp_ray.responses.interactions import EMPTY
from atp_ray.responses.response import read_response, write_response
from atp_ray.storage.tables import read_table

NAME = "policy:quantal"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Populations that begin with an established name, with and without a minority."""
    folder = tmp_path_factory.mktemp("naming")
    return write_naming_run(
        folder / "run", n_agents=[12], committed=[0, 3], established="M", seeds=6, rounds=15, history_window=3
    )


@pytest.fixture(scope="module")
def fitted(run: Path):
    return RESPONDING.fit(FitSource(run, NAME, ("lags",)), 4, 0, lambda done, total: None)


def test_a_run_becomes_its_interactions(run) -> None:
    found = run_interactions(run, NAME)
    assert found.names == ("M", "Q")
    assert [len(one.players_I2) for one in found.runs] == [15 * 6] * 12
    assert sorted({tuple(sorted(one.committed)) for one in found.runs}) == [(), (0, 1, 2)]
    assert {one.own_A for one in found.runs} == {((0, 0, 0),) * 12}
    rows = read_table(run, "decisions").to_pylist()
    said = {(row["episode_id"], row["round"], row["seat"]): row["choice"] for row in rows}
    episodes = [row["episode_id"] for row in read_table(run, "episodes").to_pylist()]
    for episode, one in zip(episodes, found.runs, strict=True):
        for place, (pair, answers) in enumerate(zip(one.players_I2.tolist(), one.answers_I2.tolist(), strict=True)):
            number = place // 6 + 1
            assert [found.names[answer] for answer in answers] == [said[episode, number, seat] for seat in pair]
    assert EMPTY not in np.concatenate([one.answers_I2 for one in found.runs])


def test_the_fit_plays_as_the_policy_it_was_fitted_to(fitted) -> None:
    assert (fitted.family, fitted.episodes, fitted.checkpoint) == ("lags", 12, NAME)
    assert fitted.decisions == 15 * 12 * 6 + 15 * 9 * 6
    assert fitted.losses["lags"] < fitted.base_loss
    spec = naming_spec(n_agents=12, committed=4, established="M", rounds=12, history_window=3, seed=99)
    settled = play_policy(spec)
    for number in (1, 5, 12):
        memory = remembered(spec, settled[:number], range(12))
        ours, theirs = (room.option_chances(*given) for room, given in (
            (RESPONDING, (fitted, memory, range(12))), (ENVIRONMENT, (memory, range(12))),
        ))  # fmt: skip
        assert np.abs(ours - theirs).mean() < 0.06
        assert ours.sum(axis=1) == pytest.approx(np.ones(12))


def test_parameters_are_described_by_what_it_takes_to_change_a_name(fitted) -> None:
    rows = fitted.described()
    assert [row[0] for row in rows][:2] == [
        "P(Q), met in the last 0 of 3, all else M", "P(Q), met in the last 1 of 3, all else M",
    ]  # fmt: skip
    chances = [value for _, value, _, _ in rows]
    assert chances == sorted(chances)
    assert all(low <= high for _, _, low, high in rows)


@pytest.mark.slow
def test_the_file_is_a_checkpoint_and_what_predictions_take(fitted, tmp_path) -> None:
    path = tmp_path / "R.json"
    write_response(path, fitted)
    profile = resolve_checkpoint(f"policy:fitted:{path}")
    assert isinstance(profile, FittedProfile)
    assert RESPONDING.read(profile.response, "here") == fitted
    assert read_response(path) == fitted.response
    table = tmp_path / "flips.parquet"
    arguments = ("--n-agents", "12", "--committed", "0,6", "--interactions-total", "200", "--runs", "5")
    done = run_here("foresight", "predict", path, *arguments, "--from", "M", "--to", "Q", "--out", table)
    assert done.returncode == 0, done.stderr
    assert "policy:quantal, fitted, leaves M for Q within 200 interactions" in " ".join(done.stdout.split())


def test_a_response_to_a_published_table_plays_too(fitted, tmp_path) -> None:
    path = tmp_path / "R.json"
    write_response(path, fitted.response)  # as `fit --interactions` writes it
    profile = resolve_checkpoint(f"policy:fitted:{path}")
    assert isinstance(profile, FittedProfile)
    assert RESPONDING.read(profile.response, "here").response == fitted.response


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"n_names": 2, "history_window": 3}, "was fitted to the names M, Q, not A, B"),
        ({"history_window": 5}, "remembers 3 meetings, agents here 5"),
    ],
)
def test_what_it_was_not_fitted_to_is_refused(fitted, tmp_path, asked, message) -> None:
    path = tmp_path / "R.json"
    write_response(path, fitted)
    profile = resolve_checkpoint(f"policy:fitted:{path}")
    assert isinstance(profile, FittedProfile)
    require_fitted_to(profile, naming_spec(history_window=3))
    with pytest.raises(ScopeError, match=message):
        require_fitted_to(profile, naming_spec(**asked))


def test_runs_that_cannot_be_fitted_are_one_clear_line(run, tmp_path) -> None:
    with pytest.raises(UsageError, match="has no decisions of tiny"):
        run_interactions(run, "tiny")
    several = write_naming_run(tmp_path / "several", n_names=[2, 3], rounds=2)
    with pytest.raises(UsageError, match=r"several values of names: A,B; A,B,C"):
        run_interactions(several, NAME)
    with pytest.raises(UsageError, match="has 1 populations with policy:quantal, a fit needs 5"):
        RESPONDING.fit(FitSource(write_naming_run(tmp_path / "one", rounds=2), NAME), 2, 0, lambda done, total: None)
    (tmp_path / "R.json").write_text('{"paradigm": "conventions", "response": {"label": "x"}}')
    with pytest.raises(UsageError, match="is no response to names"):
        resolve_checkpoint(f"policy:fitted:{tmp_path / 'R.json'}")
