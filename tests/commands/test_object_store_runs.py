"""Commands whose places are addresses: played, killed, resumed, reported and read by others from an object store."""

import json
import subprocess
import sys
from typing import NamedTuple

import duckdb
import pandas as pd
import pyarrow.dataset
import pytest
from command_runs import FIGURE3, FIGURE3_ROUNDS, ROOT, Done, contents, kill_tree, run_here
from object_stores import client, objects
from support import wait_until
from times import dear_start

from atp_ray.storage.run_places import read_run

# The command, with a mirror that looks so often that it is killed long before its rounds are over.
HASTY = [
    sys.executable,
    "-c",
    "import sys; from atp_ray.storage import mirror; from atp_ray.sweep.__main__ import main\n"
    "mirror.EVERY_S = 0.05; sys.exit(main(sys.argv[1:]))",
]


class InBucket(NamedTuple):
    """A sweep into a bucket that was killed in the middle, and the command that resumed it."""

    address: str
    kept: int
    resumed: Done


@pytest.fixture(scope="module")
def in_bucket(local_ray, s3, tmp_path_factory) -> InBucket:
    address, output = f"{s3}/sweep", tmp_path_factory.mktemp("in-bucket") / "output"
    with output.open("w") as told, dear_start("command with a Ray"):
        line = [*HASTY, *FIGURE3, "--out", address, "--cells-at-once", "1", "--agents-per-actor", "8"]
        process = subprocess.Popen(line, cwd=ROOT, stdout=told, stderr=told)
        wait_until(lambda: settled(address) or process.poll() is not None, "rounds in the bucket")
        assert process.poll() is None, output.read_text()
        kill_tree(process)
    kept = settled(address)
    assert json.loads(objects(address)["run.json"])["status"] == "running"
    return InBucket(address, kept, run_here("sweep", "--resume", "--out", address, "--agents-per-actor", "4"))


def test_a_sweep_into_a_bucket_that_was_killed_is_resumed_from_it_and_equals_one_into_a_folder(
    in_bucket, undisturbed
) -> None:
    address, done = in_bucket.address, in_bucket.resumed
    assert done.returncode == 0, done.stderr
    assert 0 < in_bucket.kept < FIGURE3_ROUNDS
    assert settled(address) == FIGURE3_ROUNDS
    assert f"Results: {address}  (Parquet" in done.stdout
    assert f"Next:    python -m atp_ray.report {address}" in done.stdout
    assert f"Figure:  {address}/figures/" in done.stdout
    files = {path.relative_to(undisturbed).as_posix() for path in undisturbed.rglob("*") if path.is_file()}
    assert set(objects(address)) == files - {".lock"}
    with read_run(address) as run:
        assert contents(run.folder) == contents(undisturbed)


def test_a_run_in_a_bucket_is_not_overwritten_and_is_read_by_reports_and_others(in_bucket, undisturbed) -> None:
    address = in_bucket.address
    again = run_here("sweep", *FIGURE3, "--out", address)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert f"error: {address}: already holds a run" in again.stderr
    report = run_here("report", address, "--format", "svg")
    assert report.returncode == 0, report.stderr
    assert f"Figure:  {address}/figures/" in report.stdout
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        assert pd.read_parquet(f"{address}/decisions")["action"].tolist() == contents_actions(undisturbed)
    decisions = pyarrow.dataset.dataset(f"{address.removeprefix('s3://')}/decisions", filesystem=client())
    assert decisions.count_rows() == duckdb.sql("select count(*) from decisions").fetchall()[0][0] == FIGURE3_ROUNDS * 8


def contents_actions(run) -> list[str]:
    return [row["action"] for row in contents(run)["decisions"]]


def settled(address: str) -> int:
    """Return how many rounds the event logs in a bucket hold."""
    return sum(content.count(b"\n") for content in objects(f"{address}/log").values())


@pytest.mark.parametrize("command", ["sweep", "simulate"])
def test_a_bucket_that_does_not_exist_is_one_line_before_anything_starts(command, s3) -> None:
    arguments = ["--grid", "smoke"] if command == "sweep" else []
    done = run_here(command, *arguments, "--checkpoint", "policy:quantal", "--out", "s3://no-such-bucket/run")
    assert done.returncode == 2
    assert done.stderr.startswith("error: s3://no-such-bucket/run: there is no bucket 'no-such-bucket'.")
    assert len(done.stderr.splitlines()) == 1


def test_nobody_at_the_endpoint_is_one_line_too(monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    done = run_here("sweep", "--grid", "smoke", "--checkpoint", "policy:quantal", "--out", "s3://bucket/run")
    assert done.returncode == 2
    assert done.stderr.startswith("error: s3://bucket/run: cannot be reached: ")
    assert len(done.stderr.splitlines()) == 1
