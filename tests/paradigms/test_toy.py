"""A fourth paradigm in a folder of its own goes all the way without a change anywhere else."""

import pytest
import yaml
from command_runs import run_here
from live_service import CONTROL_TOKEN, LiveService, wait_until_over
from support import TOY

from atp_ray.errors import UsageError
from atp_ray.storage.tables import read_table


@pytest.fixture
def toy_here(local_ray, monkeypatch) -> None:
    """Let the command in this process know the toy, as the workers of its Ray do."""
    monkeypatch.setenv("ATP_RAY_PARADIGMS", TOY["ATP_RAY_PARADIGMS"])


def test_it_is_swept_stored_and_reported(toy_here, tmp_path) -> None:
    grid = {"name": "toy", "paradigm": "toy", "prizes": [2.0, 9.0], "seeds": 10, "checkpoints": ["policy:quantal"]}
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(grid))
    run = tmp_path / "run"
    done = run_here("sweep", "--grid", tmp_path / "toy.yaml", "--out", run, "--agents-per-actor", "4")
    assert done.returncode == 0, done.stderr
    assert "Deviant rate in % (95 % interval) by round" in done.stdout
    assert "high 2.0" in done.stdout
    assert "high 9.0" in done.stdout
    assert {path.name for path in (run / "figures").iterdir()} == {"rates_by_round.png", "rates_by_round.svg"}
    cells = read_table(run, "cells").to_pylist()
    assert {(row["paradigm"], row["high"], row["round"]) for row in cells} == {
        ("toy", prize, number) for prize in (2.0, 9.0) for number in (1, 2)
    }
    rates = {row["high"]: row["deviant_rate"] for row in cells}
    assert rates[2.0] < 0.5 < rates[9.0]
    assert read_table(run, "decisions").num_rows == 2 * 10 * 2 * 4


def test_it_is_simulated_and_what_is_not_its_own_is_refused(toy_here) -> None:
    done = run_here("simulate", "--scenario", "sharing", "--checkpoint", "policy:collude", "--agents-per-actor", "4")
    assert done.returncode == 0, done.stderr
    assert "Round 2: 4 of 4: deviates" in " ".join(done.stdout.split())
    refused = run_here("simulate", "--scenario", "sharing", "--threshold", "2")
    assert (refused.returncode, refused.stderr.strip()) == (
        2, "error: --threshold: 'threshold' does not belong to toy. It is a field of games",
    )  # fmt: skip


def test_it_is_played_live_changed_and_branched(guarded: LiveService) -> None:
    with guarded.client(CONTROL_TOKEN) as client:
        health = client.health()
        assert "sharing" in health.scenarios
        one = client.create(scenario="sharing", prize=10.0, rounds=4)
        assert (one.paradigm, one.n_agents, one.setting) == ("toy", 4, {"high": 10.0})
        client.run(one.id, until_round=2)
        wait_until_over(client, one.id, "paused")
        branch = client.fork(one.id, 1)
        client.run(one.id)
        wait_until_over(client, one.id)
        assert [row.deviant_rate for row in client.rounds(one.id).rounds] == [1.0] * 4
        assert client.simulation(branch.id).rounds_settled == 1
        with pytest.raises(UsageError, match="'supervision' does not belong to toy"):
            client.create(scenario="sharing", supervision="alternating")
