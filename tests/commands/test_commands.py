"""The commands as a user types them: real processes, real kills, real bad input."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from live_service import LiveService
from support import PATIENCE_S, UPSTREAM, needs_isolation, needs_upstream

from atp_ray.alignment.pairs import read_pairs
from atp_ray.checkpoint_names import resolve_checkpoint
from atp_ray.config_files import configs_dir
from atp_ray.storage.run_folder import log_path
from atp_ray.storage.tables import read_table
from tune_sweeps.expansion import expand
from tune_sweeps.grids import load_grid

ROOT = configs_dir().parent


def command(module, *arguments, **options):
    line = [sys.executable, "-m", f"atp_ray.{module}", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False, **options)


def contents(run):
    """Everything in the four datasets."""
    return {
        name: read_table(run, name).sort_by("cell_id").to_pylist()
        for name in ("decisions", "rounds", "episodes", "cells")
    }


def test_no_cluster_at_the_address(tmp_path) -> None:
    done = command(
        "sweep",
        "--grid",
        "smoke",
        "--checkpoint",
        "policy:quantal",
        "--out",
        tmp_path / "r",
        "--address",
        "127.0.0.1:1",
    )
    assert done.returncode == 2
    assert "cannot reach Ray" in done.stderr


def test_a_dry_run_counts_and_plays_nothing(tmp_path) -> None:
    done = command("sweep", "--grid", "appendix_b", "--dry-run", "--out", tmp_path / "run")
    assert done.returncode == 0
    assert "20 cells, 140 episodes, 3,360 decisions" in done.stdout
    assert not (tmp_path / "run").exists()


SWEEP = [
    "--grid",
    "figure3",
    "--checkpoint",
    "policy:quantal",
    "--rounds",
    "60",
    "--scenarios",
    "info_sharing,hunting_game",
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A sweep nobody disturbed, one cell at a time."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    done = command("sweep", *SWEEP, "--out", run, "--cells-at-once", "1", "--agents-per-actor", "8")
    assert done.returncode == 0, done.stderr
    assert "Next:    python -m atp_ray.report" in done.stdout
    return run


def kill_after(wanted, arguments, run, folder) -> int:
    """Start a sweep, SIGKILL its whole process group once it has settled `wanted` rounds, and count what it settled."""
    line = [sys.executable, "-m", "atp_ray.sweep", *arguments]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(line, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + PATIENCE_S
        while settled_rounds(run) < wanted:
            assert process.poll() is None, (folder / "output").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return settled_rounds(run)


def settled_rounds(run) -> int:
    return sum(path.read_bytes().count(b"\n") for path in run.glob("log/*.jsonl"))


def test_a_sweep_killed_at_random_and_resumed_equals_an_undisturbed_one(undisturbed, tmp_path) -> None:
    run = tmp_path / "run"
    wanted = random.Random(0).randint(5, 200)
    settled = kill_after(wanted, [*SWEEP, "--out", str(run), "--agents-per-actor", "4"], run, tmp_path)
    assert wanted <= settled < 4 * 2 * 60
    assert json.loads((run / "run.json").read_text())["status"] == "running"
    time.sleep(2)  # Ray's own processes notice that their driver is gone
    done = command("sweep", "--resume", "--out", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((run / "run.json").read_text())["status"] == "complete"
    assert contents(run) == contents(undisturbed)


def test_table1_killed_and_resumed_equals_an_undisturbed_run(tmp_path) -> None:
    arguments = ["--grid", "table1", "--checkpoint", "policy:quantal", "--set", "supervision=all_unsupervised,random"]
    undisturbed, run = tmp_path / "undisturbed", tmp_path / "run"
    done = command("sweep", *arguments, "--out", undisturbed)
    assert done.returncode == 0, done.stderr
    for text in ("paper: Qwen3-8B + GRPO", "57.8", "Not a statement about Qwen or Llama", "table1_violation_rate.png"):
        assert text in done.stdout
    kill_after(40, [*arguments, "--out", str(run), "--agents-per-actor", "16"], run, tmp_path)
    done = command("sweep", "--resume", "--out", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(run) == contents(undisturbed)
    assert read_table(run, "decisions").num_rows == 2 * 64 * 6


def test_a_finished_run_is_neither_overwritten_nor_played_again(undisturbed) -> None:
    before = contents(undisturbed)
    again = command("sweep", *SWEEP, "--out", undisturbed)
    assert again.returncode == 2
    assert "already holds a run" in again.stderr
    resumed = command("sweep", "--resume", "--out", undisturbed)
    assert resumed.returncode == 0
    assert "rounds" not in resumed.stdout.split("Time:")[1].splitlines()[0]
    assert contents(undisturbed) == before


def test_a_cell_that_is_lost_is_written_again_from_its_log(undisturbed) -> None:
    before = contents(undisturbed)
    for name in ("cells", "decisions"):
        next((undisturbed / name).glob("*t4*.parquet")).unlink()
    assert command("sweep", "--resume", "--out", undisturbed).returncode == 0
    assert contents(undisturbed) == before


@pytest.mark.parametrize("n", [64, 256])
def test_large_populations_from_the_command_line(n, tmp_path) -> None:
    arguments = ["--checkpoint", "policy:quantal", "--n-agents", n, "--threshold", n // 2, "--visibility", "counts"]
    done = command("simulate", *arguments, "--rounds", "2", "--replies", "3", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert f"{n} agents, {n // 2} colluders needed" in done.stdout
    assert f"... and {n - 3} more" in done.stdout
    assert read_table(tmp_path / "run", "decisions").num_rows == 2 * n


@needs_upstream
@pytest.mark.parametrize(
    ("name", "episodes"), [("templates.json", 7), ("question_70.json", 70), ("question_350.json", 350)]
)
def test_a_run_on_the_references_own_prompts(name, episodes, tmp_path) -> None:
    run = tmp_path / "run"
    selection = f"upstream:{UPSTREAM / name}"
    done = command(
        "sweep", "--grid", "smoke", "--scenarios", selection, "--checkpoint", "policy:quantal",
        "--agents-per-actor", "8", "--out", run,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_table(run, "episodes").num_rows == episodes
    assert set(read_table(run, "episodes")["status"].to_pylist()) == {"complete"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_clear_line_and_the_run_goes_on_once_there_is_room(tmp_path) -> None:
    run = tmp_path / "run"
    grid = load_grid("smoke", checkpoints=["policy:quantal"])
    (cell,) = expand(grid, {"policy:quantal": resolve_checkpoint("policy:quantal")})
    log = log_path(run, cell.cell_id)
    log.parent.mkdir(parents=True)
    log.symlink_to("/dev/full")
    done = command("sweep", "--grid", "smoke", "--checkpoint", "policy:quantal", "--out", run)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "--resume" in done.stdout
    log.unlink()
    assert command("sweep", "--resume", "--out", run).returncode == 0
    assert read_table(run, "decisions").num_rows == 16


def test_an_engine_that_does_not_start_is_one_clear_line_and_loses_nothing(tmp_path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "nonsense"}')
    done = command("sweep", "--grid", "smoke", "--checkpoint", broken, "--out", tmp_path / "run")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "did not start" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "running"


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """`python -m atp_ray.serve` with `tiny` on a free port."""
    service = LiveService(tmp_path_factory.mktemp("served") / "state", "--agents", "8", checkpoint="tiny")
    yield service
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(60) == 0


@pytest.fixture(scope="module")
def served(live):
    """The OpenAI-compatible front of the service."""
    return f"{live.url}/openai/v1"


def test_the_curl_session_of_the_readme(live, tmp_path) -> None:
    text = (ROOT / "README.md").read_text().split("<!-- session -->\n```sh\n")[1].split("```")[0]
    assert "http://127.0.0.1:8000/v1" in text
    script = text.replace("http://127.0.0.1:8000", live.url)
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "problem" not in done.stdout
    compared = json.loads(done.stdout[done.stdout.rindex('{"differences"') :])
    assert [row["round"] for row in compared["differences"]] == list(range(2, 13))
    assert "Not a statement about Qwen or Llama" in compared["label"]
    events = (tmp_path / "events.txt").read_text()
    assert events.count("event: round\n") == events.count("event: decisions\n") == 12
    with live.client() as client:
        parent, branch = client.simulations().simulations
        assert (parent.checkpoints, parent.status) == ({"tiny": 6, "policy:refrain": 2}, "finished")
        assert (branch.threshold, branch.parent.round, branch.checkpoints) == (7, 1, {"tiny": 8})
        decided = client.decisions(parent.id).to_pandas()
        assert decided[decided["round"] > 5].query("seat < 2").action.eq("aligned").all()
        assert len(decided) == 12 * 8


def test_the_model_answers_openai_clients_over_http(served) -> None:
    assert [model["id"] for model in httpx.get(f"{served}/models").json()["data"]] == ["tiny"]
    body = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5, "seed": 1}
    answer = httpx.post(f"{served}/chat/completions", json=body, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["usage"]["completion_tokens"] <= 5


def test_any_compatible_endpoint_is_a_checkpoint(served, tmp_path) -> None:
    arguments = [
        "--checkpoint",
        "openai:tiny",
        "--base-url",
        served,
        "--rounds",
        "1",
        "--set",
        "sampling.max_tokens=96",
    ]
    done = command("simulate", *arguments, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    actions = read_table(tmp_path / "run", "decisions")["action"].to_pylist()
    assert len(actions) == 8
    assert set(actions) <= {"deviant", "aligned"}


@needs_isolation
def test_table2_end_to_end_killed_and_resumed(served, tmp_path) -> None:
    run = tmp_path / "run"
    arguments = ["--grid", "table2", "--checkpoint", "openai:tiny", "--base-url", served, "--set", "agents=6",
                 "--set", "rounds=3", "--set", "sampling.max_tokens=96", "--out", str(run)]  # fmt: skip
    settled = kill_after(4, arguments, run, tmp_path)
    assert settled < 18
    done = command("sweep", "--resume", "--out", run)
    assert done.returncode == 0, done.stdout + done.stderr
    for text in ("tool usage", "accuracy", "paper: Qwen3-8B + DPO", "table2_tool_usage.svg", "solutions"):
        assert text in done.stdout
    keys = [(row["episode_id"], row["round"]) for row in read_table(run, "decisions").to_pylist()]
    assert len(keys) == len(set(keys)) == 18
    solutions = read_table(run, "solutions").to_pylist()
    assert len(solutions) == 36
    assert any("ok" in row["tool_statuses"] for row in solutions)
    assert json.loads((run / "run.json").read_text())["sandbox"] == "bubblewrap"


def test_pairs_are_collected_continued_exported_and_imported(served, tmp_path) -> None:
    out = tmp_path / "pairs"
    arguments = ["pairs", "--paradigm", "role_play", "--checkpoint", "openai:tiny", "--base-url", served,
                 "--elicitation", "plain", "--tries", "60", "--out", out]  # fmt: skip
    done = command("align", *arguments, "--count", "6")
    assert done.returncode == 0, done.stderr
    first = read_pairs(out / "pairs.parquet")
    done = command("align", *arguments, "--count", "6")
    assert done.returncode == 0, done.stderr
    assert f"{len(first)} pairs already collected" in done.stdout
    assert read_pairs(out / "pairs.parquet")[0] == first[0]
    assert command("align", "export", out, "--out", tmp_path / "lf.json").returncode == 0
    assert set(json.loads((tmp_path / "lf.json").read_text())[0]) == {"instruction", "system", "chosen", "rejected"}
    assert command("align", "import", tmp_path / "lf.json", "--out", tmp_path / "back").returncode == 0
    assert [pair.chosen for pair in read_pairs(tmp_path / "back" / "pairs.parquet")] == [
        pair.chosen for pair in read_pairs(out / "pairs.parquet")
    ]


def test_the_trace_of_a_maths_session_and_of_a_role_play(served, tmp_path) -> None:
    model = ["--checkpoint", "openai:tiny", "--base-url", served, "--set", "sampling.max_tokens=96", "--rounds", "2"]
    done = command("simulate", "--scenario", "maths", *model, "--sandbox", "none")
    assert done.returncode == 0, done.stderr
    for text in ("The tool costs 3 units, reasoning directly 1", "Round 2", "simple", "complex", "units:"):
        assert text in done.stdout
    done = command("simulate", "--scenario", "delivery_worker", *model, "--supervision", "alternating")
    assert done.returncode == 0, done.stderr
    for text in ("Rule: Route A", "supervision alternating", "Round 1: unsupervised", "Round 2: supervised", "earns $"):
        assert text in done.stdout


def test_a_run_without_a_sandbox_says_so_in_its_results(served, tmp_path) -> None:
    run = tmp_path / "run"
    arguments = ["--grid", "table2", "--checkpoint", "openai:tiny", "--base-url", served, "--set", "agents=2",
                 "--set", "rounds=1", "--set", "sampling.max_tokens=96", "--sandbox", "none", "--out", run]  # fmt: skip
    done = command("sweep", *arguments)
    assert done.returncode == 0, done.stderr
    assert "Tool calls ran without a sandbox (--sandbox none)." in done.stdout
    assert "Tool calls ran without a sandbox" in command("report", run).stdout
