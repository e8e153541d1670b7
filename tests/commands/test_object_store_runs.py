"""Commands whose places are addresses: played, killed, resumed, reported and read by others from an object store."""

import json
import subprocess

import duckdb
import pandas as pd
import pyarrow.dataset
import pytest
from command_runs import ROOT, command_line, contents, kill_tree, run_here, run_process
from object_stores import client, objects
from support import wait_until
from times import dear_start

from atp_ray.storage.run_places import read_run

SWEEP = ["--grid", "smoke", "--checkpoint", "policy:quantal"]
SHORT = [*SWEEP, "--rounds", "40"]


@pytest.fixture(scope="module")
def on_disk(local_ray, tmp_path_factory):
    """The sweep played into a folder."""
    run = tmp_path_factory.mktemp("on-disk") / "run"
    assert run_here("sweep", *SHORT, "--out", run, "--agents-per-actor", "8").returncode == 0
    return run


def test_a_sweep_into_a_bucket_equals_one_into_a_folder(on_disk, s3) -> None:
    address = f"{s3}/sweep"
    done = run_here("sweep", *SHORT, "--out", address, "--agents-per-actor", "8")
    assert done.returncode == 0, done.stderr
    assert f"Results: {address}  (Parquet" in done.stdout
    assert f"Next:    python -m atp_ray.report {address}" in done.stdout
    assert f"Figure:  {address}/figures/" in done.stdout
    assert set(objects(address)) == {
        path.relative_to(on_disk).as_posix() for path in on_disk.rglob("*") if path.is_file() and path.name != ".lock"
    }
    with read_run(address) as run:
        assert contents(run.folder) == contents(on_disk)
    again = run_here("sweep", *SHORT, "--out", address)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert f"error: {address}: already holds a run" in again.stderr
    report = run_here("report", address, "--format", "svg")
    assert report.returncode == 0, report.stderr
    assert f"Figure:  {address}/figures/" in report.stdout
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        assert pd.read_parquet(f"{address}/decisions")["action"].tolist() == contents_actions(on_disk)
    decisions = pyarrow.dataset.dataset(f"{address.removeprefix('s3://')}/decisions", filesystem=client())
    assert decisions.count_rows() == duckdb.sql("select count(*) from decisions").fetchall()[0][0] == 40 * 8


def contents_actions(run) -> list[str]:
    return [row["action"] for row in contents(run)["decisions"]]


def test_a_sweep_into_a_bucket_that_was_killed_is_resumed_from_it_and_equals_an_undisturbed_one(
    local_ray, s3, tmp_path
) -> None:
    address, undisturbed = f"{s3}/killed", tmp_path / "undisturbed"
    long = [*SWEEP, "--rounds", "4000"]
    assert run_here("sweep", *long, "--out", undisturbed, "--agents-per-actor", "8").returncode == 0
    with (tmp_path / "output").open("w") as output, dear_start("command with a Ray"):
        command = command_line("sweep", *long, "--out", address, "--agents-per-actor", "4")
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        wait_until(lambda: settled(address) or process.poll() is not None, "rounds in the bucket")
        assert process.poll() is None, (tmp_path / "output").read_text()
        kill_tree(process)
    kept = settled(address)
    assert json.loads(objects(address)["run.json"])["status"] == "running"
    assert 0 < kept < 4000
    done = run_here("sweep", "--resume", "--out", address, "--agents-per-actor", "2")
    assert done.returncode == 0, done.stderr
    assert settled(address) == 4000
    with read_run(address) as run:
        assert contents(run.folder) == contents(undisturbed)


def settled(address: str) -> int:
    """Return how many rounds the event logs in a bucket hold."""
    return sum(content.count(b"\n") for name, content in objects(address).items() if name.startswith("log/"))


@pytest.mark.parametrize("command", ["sweep", "simulate"])
def test_a_bucket_that_does_not_exist_is_one_line_before_anything_starts(command, s3) -> None:
    arguments = ["--grid", "smoke"] if command == "sweep" else []
    done = run_here(command, *arguments, "--checkpoint", "policy:quantal", "--out", "s3://no-such-bucket/run")
    assert done.returncode == 2
    assert done.stderr.startswith("error: s3://no-such-bucket/run: there is no bucket 'no-such-bucket'.")
    assert len(done.stderr.splitlines()) == 1


def test_nobody_at_the_endpoint_is_one_line_of_a_process_too() -> None:
    done = run_process(
        "sweep", "--grid", "smoke", "--checkpoint", "policy:quantal", "--out", "s3://bucket/run",
        env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "PATH": "/usr/bin"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: s3://bucket/run: cannot be reached: ")
    assert len(done.stderr.splitlines()) == 1
