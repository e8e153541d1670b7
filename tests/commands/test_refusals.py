"""Bad input: one clear line and exit code 2, whatever the command, before anything is started."""

import json
import shutil
import socket

import pytest
from command_runs import run_here, run_process


def refused(module, arguments) -> str:
    """Run a command that is to refuse, and return what it prints on standard error."""
    done = run_here(module, *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("sweep", ["--grid", "apendix_b"], "Did you mean 'appendix_b'"),
        ("sweep", [], "no grid given"),
        ("sweep", ["--gird", "smoke"], "error: --gird: unknown flag. Did you mean '--grid'?"),
        ("sweep", ["--grid"], "error: --grid: needs a value"),
        ("sweep", ["smoke"], "unexpected argument 'smoke'"),
        ("sweep", ["--dry-run=yes"], "--dry-run: takes no value"),
        ("sweep", ["--grid", "smoke", "--checkpoint", "tinny"], "Did you mean 'tiny'"),
        (
            "sweep",
            ["--grid", "smoke", "--checkpoint", "qwen3-8b-ma-dpo"],
            "Train it: python -m atp_ray.align dpo",
        ),
        ("sweep", ["--grid", "smoke", "--scenarios", "hunting"], "Did you mean 'hunting_game'"),
        ("sweep", ["--grid", "smoke", "--set", "treshold=3"], "Did you mean 'thresholds'"),
        ("sweep", ["--grid", "smoke", "--set", "thresholds=9"], "threshold 9 exceeds n_agents 8"),
        (
            "sweep",
            ["--grid", "smoke", "--set", "thresholds=two"],
            "thresholds.0: Input should be a valid integer. Given: 'two'",
        ),
        ("sweep", ["--grid", "smoke", "--n-agents", "1"], "n_agents"),
        ("sweep", ["--grid", "smoke", "--n-agents", "0"], "not a whole number of at least 1"),
        ("sweep", ["--grid", "smoke", "--set", "rewards=1,2,3"], "high > medium > low"),
        ("sweep", ["--grid", "smoke", "--turn-timeout", "-1"], "--turn-timeout"),
        ("sweep", ["--grid", "/nowhere/grid.yaml"], "unknown grid"),
        ("sweep", ["--grid", "smoke", "--plan", "/nowhere/plan.yaml"], "/nowhere/plan.yaml: cannot be read"),
        ("report", ["compare"], "error: RUN"),
        ("report", ["power", "--difference", "0.2"], "Give --grid GRID or --pilot RUN"),
        ("sweep", ["--resume"], "Add --out RUN"),
        ("sweep", ["--resume", "--out", "/nowhere"], "holds no run"),
        ("sweep", ["--grid", "smoke", "--checkpoint", "policy:quantal", "--out", "/proc/nowhere"], "cannot be written"),
        ("sweep", ["--grid", "table1", "--n-agents", "8"], "'n_agents' does not belong to role-play"),
        ("sweep", ["--grid", "table1", "--set", "supervision=sometimes"], "supervision"),
        ("sweep", ["--grid", "table1", "--scenarios", "info_sharing"], "unknown role-play scenario 'info_sharing'"),
        ("sweep", ["--grid", "table1", "--set", "split=both"], "split"),
        ("sweep", ["--grid", "table1", "--set", "history_window=9"], "a history window of 9 rounds (at most 5)"),
        ("sweep", ["--grid", "table2", "--checkpoint", "policy:quantal"], "cannot solve problems"),
        ("sweep", ["--grid", "table2", "--set", "agents=100"], "has 300 complex problems but 400 are needed"),
        ("sweep", ["--grid", "table2", "--set", "pool=nowhere"], "unknown problem pool 'nowhere'"),
        ("sweep", ["--grid", "table2", "--set", "tool_cost=9"], "was not trained on costs 9 and 1"),
        (
            "sweep",
            ["--grid", "smoke", "--max-cost", "5"],
            "--max-cost: dollars cannot be limited: tiny has no price by",
        ),
        (
            "sweep",
            ["--grid", "smoke", "--checkpoint", "openai:x", "--base-url", "http://127.0.0.1:9/v1", "--max-cost", "5"],
            "no price known for x at http://127.0.0.1:9/v1. Give --set price.input=DOLLARS",
        ),
        ("sweep", ["--grid", "smoke", "--max-tokens-total", "0"], "'0' is not a whole number of at least 1"),
        ("sweep", ["--grid", "smoke", "--max-hours", "0"], "'0' is not a number above 0"),
        ("sweep", ["--grid", "smoke", "--set", "price.input=1"], "--set price: output: Field required. Give dollars"),
        ("sweep", ["--grid", "table2", "--sandbox", "docker"], "--sandbox: unknown value 'docker'"),
        (
            "simulate",
            ["--scenario", "delivery_worker", "--threshold", "3"],
            "--threshold: 'threshold' does not belong to role-play. It is a field of games",
        ),
        ("sweep", ["--grid", "smoke", "--dry-run", "--gpus", "many"], "--gpus: 'many' is no number of GPUs"),
        ("sweep", ["--grid", "smoke", "--dry-run", "--gpu-type", "H1000"], "unknown kind of GPU 'H1000'"),
        ("sweep", ["--grid", "smoke", "--set", "engine.max_seqs=1"], "unknown key 'max_seqs'"),
        ("sweep", ["--grid", "smoke", "--replicas", "0"], "--replicas: '0' is not a whole number of at least 1"),
        ("simulate", ["--set", "deployment.replicas=1"], "unknown key 'replicas'"),
        ("serve", ["--set", "seeds=1"], "unknown key 'seeds'"),
        ("align", ["pairs", "--paradigm", "games", "--set", "engine.dtype=int"], "dtype"),
        ("simulate", ["--scenario", "huntinggame"], "Did you mean 'hunting_game'"),
        ("simulate", ["--threshold", "9"], "threshold 9 exceeds n_agents 8"),
        ("simulate", ["--n-agents", "64"], "visibility 'choices' with n = 64"),
        ("serve", ["--checkpoint", "openai:gpt"], "needs the endpoint's address"),
        ("serve", ["--port", "99999"], "out of range"),
        ("serve", ["--host", "0.0.0.0"], "0.0.0.0 can be reached by others. Set ATP_RAY_CONTROL_TOKEN"),
        ("serve", ["--webhook", "ops=ftp://x"], "is not NAME=URL"),
        ("serve", ["--pace", "-1"], "--pace"),
        ("serve", ["--address", "auto"], "this machine is not part of a running Ray cluster"),
        (
            "simulate",
            ["--checkpoint", "policy:quantal", "--address", "ray://head:10001"],
            "--address: 'ray://head:10001' would leave the results on another machine",
        ),
        ("align", ["pairs", "--paradigm", "games", "--address", "head"], "'head' is no address of a cluster"),
        ("checkpoints", ["engines"], "engines: this machine is not part of a running Ray cluster"),
        (
            "serve",
            ["--state", "s3://bucket/state"],
            "--state: 's3://bucket/state' is an address; a folder of this machine",
        ),
        ("sweep", ["--grid", "smoke", "--out", "ftp://host/run"], "--out: addresses of the kind ftp:// are not known"),
        ("report", ["s3://"], "RUN: 's3://' is not s3://BUCKET/PATH"),
        ("report", ["/nowhere"], "holds no run"),
        ("report", [], "error: RUN: is required"),
        ("report", ["/nowhere", "--format", "gif"], "--format: unknown format 'gif'. Known: pdf, png, svg"),
        ("align", [], "no subcommand given. Use one of pairs, export, dpo, grpo, import"),
        ("align", ["paris"], "unknown subcommand 'paris'. Did you mean 'pairs'?"),
        ("align", ["dpo"], "error: --profile: is required"),
        ("align", ["dpo", "--profiles", "tiny-dpo"], "error: --profiles: unknown flag. Did you mean '--profile'?"),
        ("align", ["pairs"], "error: --paradigm: is required. Use one of games, role_play, tool_usage, conventions"),
        ("align", ["pairs", "--paradigm", "gams"], "--paradigm: unknown paradigm 'gams'. Did you mean 'games'?"),
        ("align", ["pairs", "--paradigm", "games", "--checkpoint", "policy:quantal"], "has no language model"),
        ("align", ["dpo", "--profile", "tiny-grpo", "--pairs", "x", "--out", "/tmp/x"], "is a profile for grpo"),
        ("align", ["dpo", "--profile", "tiny-dop", "--pairs", "x", "--out", "/tmp/x"], "Did you mean 'tiny-dpo'"),
        ("align", ["export", "/nowhere/pairs.parquet", "--out", "/tmp/x.json"], "cannot be read"),
        ("sweep", ["--grid", "smoke", "--population", "tiny"], "is not CHECKPOINT:COUNT"),
        ("checkpoints", ["card", "qwen3-8b"], "has no card here"),
        ("checkpoints", ["build", "qwen3-8b"], "CHECKPOINT: unknown value 'qwen3-8b'. Known: tiny"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(module, arguments, message) -> None:
    assert message in refused(module, arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "nonsense"}, "is no configuration that can be loaded"),
        ({"model_type": "qwen3", "num_hidden_layers": "many"}, "is no configuration that can be loaded"),
        (None, "cannot be read"),
    ],
)
def test_a_folder_that_is_no_checkpoint_is_refused_before_anything_starts(config, message, tmp_path) -> None:
    (tmp_path / "config.json").write_text("{" if config is None else json.dumps(config))
    (tmp_path / "model.safetensors").touch()
    assert message in refused("sweep", ["--grid", "smoke", "--checkpoint", tmp_path, "--out", tmp_path / "run"])
    assert not (tmp_path / "run").exists()


def test_a_folder_without_weights_is_refused(tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen3"}')
    assert "holds no weights" in refused("simulate", ["--checkpoint", tmp_path])


@pytest.mark.slow
def test_a_command_refuses_so_as_a_process_too() -> None:
    done = run_process("sweep", "--grid", "apendix_b")
    assert done.returncode == 2, done.stderr
    assert [line for line in done.stderr.splitlines() if line] == [done.stderr.strip()]
    assert done.stderr.startswith("error: unknown grid 'apendix_b'")


def test_tools_are_not_run_unsandboxed_without_being_told_to(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("bwrap") is None
    message = refused("sweep", ["--grid", "table2", "--out", tmp_path / "run"])
    assert "bubblewrap is missing" in message
    assert "apt-get install bubblewrap" in message


def test_no_cluster_at_the_address(tmp_path) -> None:
    arguments = ["--grid", "smoke", "--checkpoint", "policy:quantal", "--out", tmp_path / "r", "--address"]
    assert "cannot reach Ray: nothing listens at 127.0.0.1:1" in refused("sweep", [*arguments, "127.0.0.1:1"])


def test_a_port_in_use_is_refused_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        message = refused("serve", ["--port", taken.getsockname()[1]])
    assert "Address already in use" in message
