"""Sweeps: planned, killed and resumed, large, on the reference's prompts; results equal an undisturbed run's."""

import hashlib
import json
import re

import pytest
from command_runs import FIGURE3, contents, kill_after, run_here
from grid_runs import write_grid_run
from model_configs import QWEN3_8B, save_config
from played_alone import sweep_alone
from support import UPSTREAM, needs_upstream

from atp_ray.checkpoint.engine_changes import engine_change
from atp_ray.checkpoint.names import resolve_checkpoint
from atp_ray.paradigms.grids import expand, load_grid
from atp_ray.storage.tables import read_table
from serve_deployments.cluster_gpus import machine_gpus


def test_a_dry_run_counts_and_plays_nothing(tmp_path) -> None:
    done = run_here("sweep", "--grid", "appendix_b", "--dry-run", "--out", tmp_path / "run")
    assert done.returncode == 0
    assert "20 cells, 140 episodes, 3,360 decisions" in done.stdout
    assert "tiny: about 3,360 requests, " in done.stdout
    assert "it runs on own machines (its own tokenizer, replies as its teacher's)" in done.stdout
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_dry_run_says_what_a_hosted_model_would_cost(tmp_path) -> None:
    hosted = ["--checkpoint", "openai:gpt-4o-mini", "--base-url", "https://api.openai.com/v1"]
    asked = ["--grid", "table2", "--set", "agents=8", *hosted, "--dry-run"]
    priced = run_here("sweep", *asked, "--set", "price.input=1000", "--set", "price.output=0")
    assert "openai:gpt-4o-mini: about 128 requests, " in priced.stdout
    prompt_tokens = int(re.search(r"([\d,]+) prompt tokens", priced.stdout)[1].replace(",", ""))
    assert (
        f", ${prompt_tokens / 1000:,.2f} (4 characters a token, replies of 0.25 of max_tokens (assumed))"
        in priced.stdout
    )
    listed = float(re.search(r"\$([\d.]+) \(4 characters", run_here("sweep", *asked).stdout)[1])
    assert 0 < listed < 10


def test_a_limit_that_no_round_fits_into_starts_nothing(tmp_path) -> None:
    run = tmp_path / "run"
    done = run_here("sweep", "--grid", "smoke", "--out", run, "--max-tokens-total", 100)
    assert done.returncode == 2
    assert "error: no round is left at --max-tokens-total 100: 0 are spent, the next round takes about " in done.stderr
    assert json.loads((run / "run.json").read_text())["status"] == "stopped"
    assert not (run / "log").exists()


@pytest.mark.slow
def test_a_dry_run_plans_the_engines_of_ones_own_checkpoint(tmp_path) -> None:
    mine = save_config(tmp_path / "mine", QWEN3_8B)
    asked = ["--grid", "smoke", "--checkpoint", mine, "--dry-run", "--gpus", "8", "--gpu-type", "A10G"]
    refused = run_here("sweep", *asked)
    assert refused.returncode == 2
    assert "needs 5.6 GiB for the cache of a request of 40,960 tokens" in refused.stderr
    done = run_here("sweep", *asked, "--max-model-len", "16384", "--set", "engine.max_num_seqs=4")
    assert done.returncode == 0, done.stderr
    # 8 requests at once and 4 in each replica; with fewer slots the reserve is smaller.
    assert "2 replicas of 1 x A10G = 2 GPUs" in done.stdout
    assert "15.3 weights + 1.7 reserve + 3.3 KV cache = 20.2 usable" in done.stdout
    assert "Dry run: nothing was played." in done.stdout
    assert " GPU-hours (estimate)" in done.stdout
    priced = run_here("sweep", *asked, "--max-model-len", "16384", "--gpu-hour-price", "2.5")
    assert re.search(r"[\d.]+ GPU-hours, \$[\d.]+ \(estimate\)", priced.stdout)
    both = run_here("sweep", *asked, "--max-model-len", "16384", "--replicas", "5")
    assert "5 replicas of 1 x A10G = 5 GPUs" in both.stdout
    nine = run_here("sweep", *asked, "--max-model-len", "16384", "--replicas", "9")
    assert "needs 9 replicas of 1 GPU(s), but the cluster has GPUs by node: 8 A10G" in nine.stderr


@pytest.mark.slow
@pytest.mark.skipif(bool(machine_gpus().present), reason="this machine has GPUs")
def test_without_gpus_a_dry_run_says_how_to_plan_for_some(tmp_path) -> None:
    mine = save_config(tmp_path / "mine", QWEN3_8B)
    asked = ["--grid", "smoke", "--checkpoint", mine, "--dry-run"]
    done = run_here("sweep", *asked)
    assert done.returncode == 0
    assert "Not on this machine: checkpoint" in done.stdout
    assert "it has 8.2 B parameters: too slow on CPUs" in done.stdout
    assert "--gpus 8 --gpu-type H100" in done.stdout
    told = run_here("sweep", *asked, "--set", "deployment.accelerator=cpu")
    assert "1 replica on CPUs" in told.stdout


def test_how_engines_are_run_changes_no_episode() -> None:
    grid = load_grid("smoke")
    plain = {"tiny": resolve_checkpoint("tiny")}
    changed = engine_change(["engine.max_num_seqs=4"], replicas=2, max_model_len=512).apply(plain)
    assert changed != plain
    assert expand(grid, changed) == expand(grid, plain)


PLAN = """
name: twins
grid: smoke
seeds: 2
hypotheses:
  - {name: lower, base: "policy:quantal", checkpoint: "policy:refrain", measure: last_round, direction: lower}
"""
PLANNED = ["--grid", "smoke", "--scenarios", "info_sharing,hunting_game", "--seeds", "2"]
PLANNED += ["--checkpoint", "policy:quantal", "--checkpoint", "policy:refrain"]


def test_a_plan_is_told_by_its_hash_and_refused_where_it_is_for_another_run(tmp_path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    done = run_here("sweep", *PLANNED, "--plan", plan, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(plan.read_bytes()).hexdigest() in done.stdout
    refused = run_here("sweep", *PLANNED, "--seeds", "3", "--plan", plan, "--dry-run")
    assert refused.returncode == 2
    assert refused.stderr == f"error: {plan}: plans seeds 2, the run has 3. Run it with --seeds 2\n"


def test_a_plan_is_kept_over_a_resume_and_a_changed_one_is_found(local_ray, tmp_path) -> None:
    plan, run = tmp_path / "plan.yaml", tmp_path / "run"
    plan.write_text(PLAN, encoding="utf-8")
    done = run_here("sweep", *PLANNED, "--plan", plan, "--out", run, "--agents-per-actor", "8")
    assert done.returncode == 0, done.stderr
    assert "its comparisons are marked P" in done.stdout
    kept = json.loads((run / "run.json").read_text())["plan"]
    assert kept["text"] == PLAN
    assert "--plan: a plan is made before a run" in run_here("sweep", "--resume", "--out", run, "--plan", plan).stderr
    done = run_here("sweep", "--resume", "--out", run)
    assert done.returncode == 0, done.stderr
    assert "its comparisons are marked P" in done.stdout
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["plan"] == kept
    manifest["grid"]["rounds"] = 5
    (run / "run.json").write_text(json.dumps(manifest))
    assert "does not hold: the grid in run.json" in run_here("report", "compare", run).stdout


def test_table1_resumed_while_ray_plays_on_for_the_killed_command_equals_an_undisturbed_run(
    local_ray, tmp_path
) -> None:
    asked, run = "supervision=all_unsupervised,random", tmp_path / "run"
    arguments = ["--grid", "table1", "--checkpoint", "policy:quantal", "--set", asked, "--out", str(run)]
    kill_after(40, [*arguments, "--agents-per-actor", "64"], run, tmp_path, tree=False)
    done = run_here("sweep", "--resume", "--out", run, "--agents-per-actor", "32")
    assert done.returncode == 0, done.stdout + done.stderr
    for text in ("paper: Qwen3-8B + GRPO", "57.8", "Not a statement about Qwen or Llama", "table1_violation_rate.png"):
        assert text in done.stdout
    assert contents(run) == sweep_alone(tmp_path / "alone", "table1", asked)
    assert read_table(run, "decisions").num_rows == 2 * 64 * 6


@pytest.mark.slow
def test_a_run_without_a_sandbox_says_so_in_its_results(tmp_path) -> None:
    run = tmp_path / "run"
    endpoint = ["--checkpoint", "openai:someone", "--base-url", "http://127.0.0.1:9/v1"]
    asked = [
        "--grid",
        "table2",
        "--set",
        "agents=4",
        *endpoint,
        "--sandbox",
        "none",
        "--out",
        run,
        "--max-tokens-total",
        1,
    ]
    assert "no round is left at --max-tokens-total" in run_here("sweep", *asked).stderr
    assert json.loads((run / "run.json").read_text())["sandbox"] == "none"
    finished = write_grid_run(tmp_path / "finished", "smoke", sandbox="none")
    for told in (run_here("sweep", "--resume", "--out", finished), run_here("report", finished)):
        assert told.returncode == 0, told.stderr
        assert "Tool calls ran without a sandbox (--sandbox none)." in told.stdout


def test_a_finished_run_is_neither_overwritten_nor_played_again(undisturbed) -> None:
    before = contents(undisturbed)
    again = run_here("sweep", *FIGURE3, "--out", undisturbed)
    assert again.returncode == 2
    assert "already holds a run" in again.stderr
    resumed = run_here("sweep", "--resume", "--out", undisturbed)
    assert resumed.returncode == 0
    assert "rounds" not in resumed.stdout.split("Time:")[1].splitlines()[0]
    assert contents(undisturbed) == before


def test_a_cell_that_is_lost_is_written_again_from_its_log(undisturbed) -> None:
    before = contents(undisturbed)
    for name in ("cells", "decisions"):
        next((undisturbed / name).glob("*t4*.parquet")).unlink()
    assert run_here("sweep", "--resume", "--out", undisturbed, "--agents-per-actor", "8").returncode == 0
    assert contents(undisturbed) == before


def test_a_large_population_from_the_command_line(local_ray, tmp_path) -> None:
    n = 256
    arguments = ["--checkpoint", "policy:quantal", "--n-agents", n, "--threshold", n // 2, "--visibility", "counts",
                 "--rounds", "2", "--replies", "3", "--agents-per-actor", "128", "--out", tmp_path / "run"]  # fmt: skip
    done = run_here("simulate", *arguments)
    assert done.returncode == 0, done.stderr
    assert f"{n} agents, {n // 2} colluders needed" in done.stdout
    assert f"... and {n - 3} more" in done.stdout
    assert read_table(tmp_path / "run", "decisions").num_rows == 2 * n


@needs_upstream
def test_a_run_on_the_references_own_prompts(local_ray, tmp_path) -> None:
    run = tmp_path / "run"
    selection = f"upstream:{UPSTREAM / 'question_70.json'}"
    done = run_here(
        "sweep", "--grid", "smoke", "--scenarios", selection, "--checkpoint", "policy:quantal",
        "--agents-per-actor", "8", "--out", run,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_table(run, "episodes").num_rows == 70
    assert set(read_table(run, "episodes")["status"].to_pylist()) == {"complete"}
