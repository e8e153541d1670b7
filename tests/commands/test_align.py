"""Alignment from the command line: killed and run again, named afterwards, refused in one line."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_runs import ROOT, Done, command_line, kill_tree, run_here
from object_stores import names, objects, put_folder
from support import drawn_text, train_alone, wait_until
from times import dear_start

from atp_ray.alignment.learning_curve import read_metrics, series
from atp_ray.alignment.pairs import write_pairs
from atp_ray.alignment.profiles import load_profile
from atp_ray.alignment.training_runs import find_training_run
from atp_ray.checkpoint.names import resolve_checkpoint, resolve_checkpoints
from atp_ray.errors import UsageError
from atp_ray.storage.run_folder import read_manifest, write_manifest
from benchmarks.decision_pairs import role_play_pairs

pytestmark = [pytest.mark.xdist_group("torch"), pytest.mark.dear]

STEPS, N_PAIRS = 8, 16
SETTINGS = [f"steps={STEPS}", "save_steps=2", "batch=4"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "pairs.parquet"
    write_pairs(role_play_pairs(N_PAIRS), path)
    return path


def line(pairs: Path | str, out: Path | str, *more: str) -> list[str]:
    command = ["dpo", "--profile", "tiny-dpo-lora", "--pairs", str(pairs)]
    return [*command, "--out", str(out), *(part for setting in SETTINGS for part in ("--set", setting)), *more]


def align(arguments: list[str]) -> Done:
    return run_here("align", *arguments)


def losses(folder: Path) -> list[float]:
    steps, values = series(read_metrics(folder), "loss")
    assert steps == list(range(1, STEPS + 1))
    return values


@pytest.fixture(scope="module")
def killed(pairs, s3, tmp_path_factory) -> str:
    """The address of a run in a bucket whose whole command was killed after its first checkpoint."""
    put_folder(pairs.parent, f"{s3}/aligned/pairs")
    out, output = f"{s3}/aligned/first", tmp_path_factory.mktemp("killed") / "output"
    with output.open("w") as told, dear_start("command with a Ray"):
        arguments = command_line("align", *line(f"{s3}/aligned/pairs", out))
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=told, stderr=told)
        wait_until(lambda: saved(out) or process.poll() is not None, "the first checkpoint", pause_s=0.5)
        assert process.poll() is None, output.read_text()
        kill_tree(process)
    return out


def saved(address: str) -> list[str]:
    """Return the names of the checkpoints that are whole."""
    return [name for name in names(address) if re.match("ray_train/.*/checkpoint_.*/trainer_state.json", name)]


@pytest.fixture(scope="module")
def resumed(local_ray, killed, s3) -> Done:
    """How the command ended that was given the killed run again."""
    assert json.loads(objects(killed)["run.json"])["status"] == "running"
    with pytest.raises(UsageError, match="the training run is not finished"):
        resolve_checkpoint(killed)
    return align(line(f"{s3}/aligned/pairs", killed))


@pytest.fixture(scope="module")
def finished(killed, resumed, tmp_path_factory) -> Path:
    """The killed run, given again, in a folder of this machine."""
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    folder = tmp_path_factory.mktemp("aligned") / "first"
    for name, content in objects(killed).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_pairs_run_and_checkpoints_in_a_bucket(killed, resumed, finished, s3, tiny) -> None:
    assert f"Result:  {killed}/checkpoint  (LoRA adapter)" in resumed.stdout
    assert f"Next:    python -m atp_ray.sweep --grid table1 --checkpoint tiny --checkpoint {killed}" in resumed.stdout
    found = objects(killed)
    assert {"run.json", "metrics.parquet", "checkpoint/adapter_model.safetensors"} <= set(found)
    assert not [name for name in found if "result-" in name]
    assert saved(killed)
    profile = resolve_checkpoint(killed)
    assert (profile.name, profile.source, profile.embedded) == ("first", tiny.source, True)
    assert "Time:" in align(line(f"{s3}/aligned/pairs", killed)).stdout  # it is complete and is not trained again
    assert objects(killed) == found
    report = run_here("report", killed)
    assert report.returncode == 0, report.stderr
    assert f"Figure:  {killed}/learning_curve.png" in report.stdout


def test_a_whole_job_killed_and_given_again_ends_as_if_undisturbed(finished, tiny, tmp_path) -> None:
    profile = load_profile("tiny-dpo-lora", "dpo", SETTINGS)
    train_alone(profile, tiny.source, role_play_pairs(N_PAIRS), tmp_path)
    assert losses(finished) == pytest.approx(losses(tmp_path), abs=1e-6)


def test_a_finished_run_is_a_checkpoint_by_path_and_by_name(finished, tiny, tmp_path, monkeypatch) -> None:
    profile = resolve_checkpoint(str(finished))
    assert (profile.name, profile.source, profile.embedded) == ("first", tiny.source, True)
    assert profile.adapter == str(finished / "checkpoint")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(finished)
    monkeypatch.chdir(tmp_path)
    assert find_training_run("mine") == Path("runs/mine")
    assert resolve_checkpoint("mine").adapter == profile.adapter
    with pytest.raises(UsageError, match="align grpo --profile qwen3-8b-ma-grpo"):
        resolve_checkpoint("qwen3-8b-ma-grpo")


def test_weights_are_found_from_where_the_user_stands_and_not_from_the_project(finished, tmp_path, monkeypatch) -> None:
    for folder in (tmp_path / "here", tmp_path / "there"):
        shutil.copytree(finished, folder / "runs" / "mine")
    monkeypatch.chdir(tmp_path / "there")
    assert resolve_checkpoint("runs/mine").adapter == str(tmp_path / "there" / "runs" / "mine" / "checkpoint")


def test_two_runs_of_one_name_and_a_base_that_has_changed_are_refused(finished, tmp_path) -> None:
    other = tmp_path / finished.name
    shutil.copytree(finished, other)
    with pytest.raises(UsageError, match="are both called 'first'"):
        resolve_checkpoints([str(finished), str(other)], None)
    write_manifest(other, read_manifest(other) | {"base_revision": "0123456789abcdef"})
    with pytest.raises(UsageError, match="was trained on other weights than its base has now"):
        resolve_checkpoint(str(other))


def test_a_finished_run_is_not_trained_again_and_another_job_is_refused(finished, pairs) -> None:
    before = (finished / "checkpoint" / "adapter_model.safetensors").stat().st_mtime_ns
    again = align(line(pairs, finished))
    assert again.returncode == 0, again.stderr
    assert (finished / "checkpoint" / "adapter_model.safetensors").stat().st_mtime_ns == before
    other = align(line(pairs, finished, "--set", "beta=0.2"))
    assert other.returncode == 2
    assert "holds another training run" in other.stderr
    elsewhere = align(line(pairs, finished, "--storage", "nowhere://at-all"))
    assert (elsewhere.returncode, "Traceback" in other.stderr + elsewhere.stderr) == (2, False)
    assert "--storage: addresses of the kind nowhere:// are not known" in elsewhere.stderr


def test_report_draws_the_learning_curve_of_a_run(finished, tmp_path) -> None:
    done = run_here("report", finished, "--out", tmp_path, "--format", "svg")
    assert done.returncode == 0, done.stderr
    assert "rewards/margins" in done.stdout
    assert "Not a statement about Qwen or Llama" in drawn_text(tmp_path / "learning_curve.svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dpo", "--profile", "tiny-dpo", "--checkpoint", "policy:quantal"], "has no weights here"),
        (["dpo", "--profile", "tiny-dpo", "--track", "wandb"], "the package wandb is not installed"),
        (["dpo", "--profile", "tiny-dpo", "--set", "beta.x=1"], "'beta' has no keys of its own"),
        (
            ["dpo", "--profile", "qwen3-8b-ma-dpo", "--checkpoint", "tiny", "--set", "thinking=null"],
            "needs 1 GPU(s) but the cluster has 0",
        ),
        (["grpo", "--profile", "tiny-grpo"], "no paradigm given"),
        (["grpo", "--profile", "tiny-grpo", "--paradigm", "games", "--set", "group_size=5"], "whole groups"),
    ],
)
def test_what_cannot_be_trained_is_one_clear_line(local_ray, arguments, message, pairs, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    if arguments[0] == "dpo":
        arguments = [*arguments, "--pairs", str(pairs)]
    done = align([*arguments, "--out", str(tmp_path / "run")])
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_dry_run_says_what_memory_it_would_take(local_ray, pairs, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = align(line(pairs, tmp_path / "run", "--dry-run"))
    assert done.returncode == 0, done.stderr
    assert "Memory a worker, GiB:" in done.stdout
    assert "nothing was trained" in done.stdout
    assert not (tmp_path / "run").exists()


def test_a_damaged_run_is_one_line(finished, tmp_path) -> None:
    write_manifest(tmp_path, read_manifest(finished) | {"method": "ppo"})
    with pytest.raises(UsageError, match="method"):
        resolve_checkpoint(str(tmp_path))
